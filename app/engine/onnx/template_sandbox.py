"""A Jinja environment that ends: loops and texts grow only so far, Python's inside is out of
reach. What it renders is chat_template's business.
"""

from typing import Any, Final

from jinja2 import TemplateRuntimeError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MAX_ROUNDS: Final = 200_000
MAX_CHARACTERS: Final = 8 * 1024 * 1024
_ROUND: Final = "count_round"
_JOIN: Final = "join_checked"


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
    """For one rendering at a time: the rounds are counted from `begin` on."""

    intercepted_binops = frozenset({"+", "*", "**"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        self.globals.pop("lipsum")
        self.globals[_ROUND] = self._count
        self.globals[_JOIN] = self._join
        self._rounds = 0

    def begin(self) -> None:
        """Before a rendering."""
        self._rounds = 0

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Checks().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Sizes are looked at before there is something of that size."""
        if operator == "*":
            check_size(_size(left) * (right if isinstance(right, int) else 1))
            check_size(_size(right) * (left if isinstance(left, int) else 1))
        elif operator == "**":
            check_size(abs(right), 64)
            check_size(abs(left), 1 << 64)
        else:
            check_size(_size(left) + _size(right))
        return super().call_binop(context, operator, left, right)

    def _count(self) -> None:
        self._rounds += 1
        check_size(self._rounds, MAX_ROUNDS)

    def _join(self, *parts: Any) -> str:
        texts = [str(part) for part in parts]
        check_size(sum(map(len, texts)))
        return "".join(texts)


def check_size(size: float, limit: int = MAX_CHARACTERS) -> None:
    """Raise TemplateRuntimeError when a text, a list or a loop gets too long."""
    if size > limit:
        raise TemplateRuntimeError("the chat template makes too much")


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0
