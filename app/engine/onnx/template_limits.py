"""How much a chat template may make, and how long that may take. Sizes are looked at before there
is anything of that size; how Jinja is told to ask is template_sandbox's business.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import TemplateRuntimeError

MAX_ROUNDS: Final = 200_000
MAX_CHARACTERS: Final = 8 * 1024 * 1024
# Of all that one rendering makes on its way.
MAX_MADE: Final = 16 * MAX_CHARACTERS
# A number given to a call: a width, an indent, the end of a range.
MAX_NUMBER: Final = 100_000
# Of processor time, so that a busy machine does not count; a template takes milliseconds.
MAX_SECONDS: Final = 5.0
_WIDE: Final = re.compile(r"\d{6,}|\*")
_NESTED: Final = (list, tuple, set, frozenset)


class Budget:
    """What one rendering has used. `begin` before each."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._rounds = self._made = 0
        self._until = time.thread_time() + MAX_SECONDS

    def round(self) -> None:
        """One more round of a loop."""
        self._rounds += 1
        check_size(self._rounds, MAX_ROUNDS)
        self.check_time()

    def check_time(self) -> None:
        check_size(time.thread_time(), self._until)

    def made(self, value: Any) -> Any:
        """Count a value that has just been made."""
        self._made += _length(value)
        check_size(self._made, MAX_MADE)
        self.check_time()
        return value


def check_size(size: float, limit: float = MAX_CHARACTERS) -> None:
    """Raise TemplateRuntimeError when a text, a list or a loop gets too long."""
    if size > limit:
        raise TemplateRuntimeError("the chat template makes too much")


def check_numbers(*values: Any) -> None:
    for value in values:
        if isinstance(value, int | float):
            check_size(abs(value), MAX_NUMBER)


def size_of(value: Any) -> int:
    """Characters and items of a value as a text would show them, lists within lists included."""
    size, waiting = 0, [value]
    while waiting:
        size += 1
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, _NESTED):
            waiting.extend(each)
        else:
            size += _length(each)
        check_size(size + len(waiting))
    return size


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0


def check_operation(operator: str, left: Any, right: Any) -> None:
    """Before `left operator right`."""
    if operator == "*":
        check_size(_length(left) * (right if isinstance(right, int) else 1))
        check_size(_length(right) * (left if isinstance(left, int) else 1))
    elif operator == "**":
        check_size(abs(right), 64)
        check_size(abs(left), 1 << 64)
    elif operator == "%" and isinstance(left, str):
        check_layout(left)
        check_size(len(left) + left.count("%") * size_of(right))
    else:
        check_size(_length(left) + _length(right))


def check_layout(text: str) -> None:
    """Before `text` formats something."""
    if _WIDE.search(text):
        raise TemplateRuntimeError("the chat template asks for too wide a field")


def check_method(text: str, name: str, arguments: tuple[Any, ...]) -> None:
    """Before `text.name(*arguments)`."""
    check_numbers(*arguments)
    if name in ("format", "format_map"):
        check_layout(text)
        check_size(len(text) + text.count("{") * size_of(arguments))
    elif name == "replace":
        check_replace(text, *arguments)
    elif name == "join":
        check_join(text, *arguments)
    elif name == "expandtabs":
        check_size(text.count("\t") * (arguments[0] if arguments else 8))
    elif name == "translate":
        raise TemplateRuntimeError("the chat template calls translate")


def check_replace(text: Any, old: Any = "", new: Any = "", *_: Any) -> None:
    check_size(len(str(text)) + str(text).count(str(old)) * len(str(new)))


def check_join(between: Any, parts: Any = (), *_: Any) -> None:
    check_size(size_of(parts) + len(str(between)) * len(parts))


def check_indent(text: Any, width: Any = 4, *_: Any) -> None:
    wide = width if isinstance(width, int) else len(str(width))
    check_size(len(str(text)) + str(text).count("\n") * wide)
