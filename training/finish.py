"""The last step: weights rounded to 16 bits, tested on all of easy-VQA's test questions, and
written as GGUF files and as checkpoints for `sllm convert --vision`."""

import argparse
import json
from pathlib import Path

import torch

from training import checkpoint, evaluation, gguf_files, network, scenes, words


def main(folder: Path, output: Path) -> None:
    tokenizer = words.load(folder)
    config = network.config(tokenizer.get_vocab_size(), words.special_ids(tokenizer))
    model = network.build(config)
    weights = {
        name: tensor.half().float() for name, tensor in torch.load(folder / "together.pt").items()
    }
    model.load_state_dict(weights)
    model.tie_weights()
    test = scenes.load(train=False)
    found = evaluation.accuracy(model, tokenizer, test, test.questions)
    turned = test.shuffled()
    blind = evaluation.accuracy(model, tokenizer, turned, test.questions)
    shares = {"right": found, "with pictures shuffled": blind, "questions": len(test.questions)}
    text = json.dumps(shares, indent=2)
    output.mkdir(parents=True, exist_ok=True)
    (output / "accuracy.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    weights = model.state_dict()
    half = {name: tensor.half() for name, tensor in weights.items()}
    checkpoint.write_llava(output / "llava", half, config, tokenizer)
    checkpoint.write_hyperclova(output / "hyperclova", half, config, tokenizer)
    (output / "gguf").mkdir(exist_ok=True)
    gguf_files.write_language(output / "gguf" / "shapes-demo.gguf", weights, config, tokenizer)
    gguf_files.write_projector(output / "gguf" / "mmproj-shapes-demo.gguf", weights, config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with together.pt and tokenizer.json")
    parser.add_argument("output", type=Path)
    chosen = parser.parse_args()
    main(chosen.folder, chosen.output)
