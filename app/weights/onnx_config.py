"""What the files beside an ONNX graph say together: end tokens, chat template, spellings."""

from typing import Final, TypeVar

from msgspec import Struct

from app.weights import onnx_files as names
from app.weights.json_files import Ids, Token, TokenizerConfig, content, read_json
from app.weights.onnx_files import OnnxFiles

# A token's id has 32 bits in every engine.
MAX_TOKEN: Final = 1 << 31
Parsed = TypeVar("Parsed", bound=Struct)


def read(files: OnnxFiles, name: str, kind: type[Parsed]) -> Parsed | None:
    """The companion `name`, None if there is none. Raises WeightsError if it is damaged."""
    path = files.find(name)
    return None if path is None else read_json(path, kind)


def ids(*found: Ids) -> tuple[int, ...]:
    """Every id once, in the order of the files that name them."""
    flat = [
        number
        for value in found
        for number in (value if isinstance(value, list) else [value])
        if number is not None and 0 <= number < MAX_TOKEN
    ]
    return tuple(dict.fromkeys(flat))


def spelling(token: str | Token | None) -> str | None:
    return token.content if isinstance(token, Token) else token


def chat_template(files: OnnxFiles, tokenizer: TokenizerConfig) -> str:
    """The Jinja text: of its own file, else of tokenizer_config.json; "" if there is none."""
    own = files.find(names.CHAT_TEMPLATE)
    if own is not None:
        return content(own).decode("utf-8", "replace")
    template = tokenizer.chat_template
    if template is None and (packed := read(files, names.CHAT_TEMPLATE_JSON, TokenizerConfig)):
        template = packed.chat_template
    if isinstance(template, list):
        by_name = {each.name: each.template for each in template}
        return by_name.get("default", "")
    return template or ""
