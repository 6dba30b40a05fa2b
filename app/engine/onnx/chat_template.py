"""The weights' chat template: Jinja as transformers runs it, in a sandbox.

A template comes with the weights, from whoever made them: it may refuse messages, and it may be
broken or malicious.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from jinja2 import TemplateError

from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import TemplateRefused
from app.engine.onnx.template_limits import check_size, size_of
from app.engine.onnx.template_sandbox import SandboxedTemplates

# Compiling takes a second for 100 KB; the longest that models come with have about 20.
MAX_TEMPLATE: Final = 128 * 1024
# What a template in the sandbox can raise by being wrong.
_ERRORS: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    # Python's compiler has its own bounds, as on nested loops.
    SyntaxError,
    TypeError,
    ValueError,
)


class ChatTemplate:
    """A template that is compiled, and the special tokens it may name (`bos_token`, …)."""

    def __init__(self, text: str, special_tokens: Mapping[str, str], name: str) -> None:
        self._sandbox = SandboxedTemplates()
        self._sandbox.replace_filter("tojson", _tojson)
        self._sandbox.globals["raise_exception"] = _raise
        self._sandbox.globals["strftime_now"] = _strftime_now
        self._special_tokens = dict(special_tokens)
        try:
            if len(text) > MAX_TEMPLATE:
                raise TemplateError(f"{len(text)} characters")
            self._template = self._sandbox.from_string(text)
        except _ERRORS as error:
            raise LoadError("onnx_chat_template", model=name, reason=str(error)[:200]) from error

    def try_once(self, name: str) -> None:
        """Raise LoadError for a template that does not even take the simplest of messages."""
        try:
            self.render([{"role": "user", "content": "hi"}])
        except TemplateRefused as error:
            raise LoadError("onnx_chat_template", model=name, reason=str(error)[:200]) from error

    def render(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> str:
        """The prompt's text up to where the assistant answers. Raises TemplateRefused."""
        self._sandbox.begin()
        try:
            parts: list[str] = []
            size = 0
            for part in self._template.generate(
                messages=[dict(message) for message in messages],
                tools=[dict(tool) for tool in tools] or None,
                documents=None,
                add_generation_prompt=True,
                **self._special_tokens,
            ):
                size += len(part)
                check_size(size)
                parts.append(part)
        except _ERRORS as error:
            raise TemplateRefused(str(error)) from error
        return "".join(parts)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is; jinja2's own filter writes `<` as HTML wants it."""
    check_size(size_of(value) * (1 + (indent or 0)))
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(layout: str) -> str:
    return datetime.now().strftime(layout)  # noqa: DTZ005 - the reader's local time is meant
