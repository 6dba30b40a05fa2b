"""Makes the greedy references anew: `python -m tests.conformance.references ENTRY`. transformers
continues three questions with the dequantised weights of a GGUF file, which takes minutes.
"""

import gc
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.config import Settings
from app.convert.source import dequantize
from app.weights import ensure
from app.weights.task import Task
from tests.conformance.test_greedy import REFERENCES, references

TOKENS = 64


def dequantized(entry: str, folder: Path) -> tuple[Any, Any]:
    """The weights in 32 bits, and their tokenizer; `folder` is filled with them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = Path(ensure(entry, Settings().data_dir).path)
    dequantize(file, folder, Task())
    gc.collect()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), tokenizer


def continuation(model: Any, tokenizer: Any, question: str) -> dict[str, Any]:
    """TOKENS of them, also beyond an end token."""
    import torch

    messages = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    ids, cache, answer = torch.tensor([prompt]), None, []
    with torch.inference_mode():
        for _ in range(TOKENS):
            step = model(ids, past_key_values=cache, use_cache=True)
            cache = step.past_key_values
            answer.append(int(step.logits[0, -1].argmax()))
            ids = torch.tensor([answer[-1:]])
    return {"question": question, "prompt": prompt, "answer": answer}


def make(entry: str) -> list[dict[str, Any]]:
    """For the questions that are there already."""
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = dequantized(entry, Path(folder))
        return [continuation(model, tokenizer, each["question"]) for each in references(entry)]


def main(entry: str) -> None:
    lines = [json.dumps(each, ensure_ascii=False) for each in make(entry)]
    text = "[\n " + ",\n ".join(lines) + "\n]\n"
    REFERENCES[entry].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
