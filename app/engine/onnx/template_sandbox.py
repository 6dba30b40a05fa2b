"""A Jinja environment that ends: what a template makes and how long it takes has bounds
(template_limits), Python's inside is out of reach. What it renders is chat_template's business.
"""

from collections.abc import Callable
from functools import wraps
from types import GeneratorType
from typing import Any, Final

from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from app.engine.onnx.template_limits import (
    Budget,
    check_indent,
    check_join,
    check_method,
    check_numbers,
    check_operation,
    check_replace,
    size_of,
)

_ROUND: Final = "count_round"
_JOIN: Final = "join_checked"
# What templates of chat models use; the others have ways to make much of little.
FILTERS: Final = frozenset(
    {"abs", "attr", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first"}
    | {"float", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower"}
    | {"map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe"}
    | {"select", "selectattr", "sort", "string", "title", "tojson", "trim", "truncate"}
    | {"unique", "upper", "wordcount"}
)
_FILTER_CHECKS: Final[dict[str, Callable[..., None]]] = {
    "replace": check_replace,
    "indent": check_indent,
    "join": lambda parts, between="", *_: check_join(between, parts),
}


class Generation(Extension):
    """`{% generation %}`, which marks the assistant's words for training: just its content."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Checks(NodeTransformer):
    """Every loop counts its rounds, every `~` looks at what it makes."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - jinja2 looks it up
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call(_ROUND, []), lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _call(_JOIN, node.nodes)


def _call(name: str, arguments: list[nodes.Expr]) -> nodes.Call:
    return nodes.Call(nodes.Name(name, "load"), arguments, [], None, None)


class SandboxedTemplates(ImmutableSandboxedEnvironment):
    """For one rendering at a time: everything is counted from `begin` on."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        self._budget = Budget()
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, loopcontrols],
            finalize=_shown,
        )
        self.globals.pop("lipsum")
        self.globals[_ROUND] = self._round = self._budget.round
        self.globals[_JOIN] = self._join
        self.filters = {name: self._checked(name, self.filters[name]) for name in FILTERS}

    def begin(self) -> None:
        """Before a rendering."""
        self._budget.begin()

    def replace_filter(self, name: str, function: Callable[..., Any]) -> None:
        self.filters[name] = self._checked(name, function)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Checks().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        check_operation(operator, left, right)
        return self._budget.made(super().call_binop(context, operator, left, right))

    def call(self, context: Any, called: Any, /, *arguments: Any, **named: Any) -> Any:
        if called is self._round:  # by far the most frequent
            return called()
        method = getattr(called, "__wrapped__", called)
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str):
            arguments = tuple(map(_listed, arguments))
            check_method(owner, method.__name__, (*arguments, *named.values()))
        return self._budget.made(super().call(context, called, *arguments, **named))

    def _checked(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter that looks at what it is given, and counts what it gives."""
        # Some filters are given the context or the environment first.
        first = int(hasattr(function, "jinja_pass_arg"))
        check = _FILTER_CHECKS.get(name)

        @wraps(function)
        def checked(*arguments: Any, **named: Any) -> Any:
            own, value = arguments[:first], _listed(arguments[first])
            others = arguments[first + 1 :]
            size_of(value)
            check_numbers(*others, *named.values())
            if check is not None:
                check(value, *others, *named.values())
            return self._budget.made(function(*own, value, *others, **named))

        return checked

    def _join(self, *parts: Any) -> str:
        size_of(parts)
        joined: str = self._budget.made("".join(map(str, parts)))
        return joined


def _listed(value: Any) -> Any:
    """What `map` and its like give, as something whose size can be seen."""
    return list(value) if isinstance(value, GeneratorType) else value


def _shown(value: Any) -> Any:
    """What is written out: a list of lists is a longer text than it looks."""
    if not isinstance(value, str):
        size_of(value)
    return value
