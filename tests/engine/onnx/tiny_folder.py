"""A whole folder of ONNX weights that is served in milliseconds: a tiny random graph over bytes,
its tokenizer and its configuration.
"""

import json
from pathlib import Path
from typing import Any, Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from app.engine.spec import EngineSpec, OnnxSpec
from app.weights.onnx_preflight import check
from tests.engine.onnx.tiny import WINDOW, Tiny

START, END = "<|im_start|>", "<|im_end|>"
TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message.role[0] }} {{ message.content }}<|im_end|>"
    "{% endfor %}<|im_start|>a "
)
# A token for each byte, and the two above.
VOCABULARY: Final = 258
CONFIG: Final[dict[str, Any]] = {
    "model_type": "tiny",
    "hidden_size": 16,
    "num_attention_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": WINDOW,
    "eos_token_id": VOCABULARY - 1,
}


def write_tiny(folder: Path) -> Path:
    """The folder, written."""
    Tiny(grouped=True, positions=True, vocabulary=VOCABULARY).build(folder / "model.onnx")
    (folder / "tokenizer.json").write_text(_tokenizer().to_str())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    named = {"bos_token": START, "eos_token": END, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder


def _tokenizer() -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in (START, END)])
    return tokenizer


def spec_of_tiny(folder: Path, directory: Path, **changes: Any) -> EngineSpec:
    """As app.provider makes it of the folder's header."""
    header = check(folder / "model.onnx")
    fields: dict[str, Any] = {
        "backend": "onnx",
        "directory": str(directory),
        "id": "tiny",
        "path": str(folder / "model.onnx"),
        "context_length": WINDOW,
        "slots": 2,
        "threads": 1,
        "use_gpu": "false",
        "onnx": OnnxSpec(
            tokenizer=str(header.tokenizer),
            chat_template=header.chat_template,
            special_tokens=header.special_tokens,
            end_tokens=header.end_tokens,
            head_size=header.key_length,
        ),
    }
    return EngineSpec(**{**fields, **changes})
