"""References inside a JSON Schema: where they lead, and whether they lead anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
IN_PLACE = ("anyOf", "oneOf", "allOf")


def has_empty_cycle(root: Node, nodes: Sequence[Node]) -> bool:
    """Whether some schema is itself again without a property or an item in between.

    Such a schema says nothing, and compiles into a grammar that recurses to the left.
    """
    finished: set[int] = set()
    return any(_meets_itself(root, node, finished) for node in nodes)


def _meets_itself(root: Node, start: Node, finished: set[int]) -> bool:
    """Depth first along the places that a schema stands for, with an explicit stack."""
    path: dict[int, None] = {}
    waiting: list[tuple[Node, bool]] = [(start, False)]
    while waiting:
        node, leaving = waiting.pop()
        if leaving:
            del path[id(node)]
            finished.add(id(node))
        elif id(node) in path:
            return True
        elif id(node) not in finished:
            path[id(node)] = None
            waiting.append((node, True))
            waiting.extend((other, False) for other in _same_place(root, node))
    return False


def _same_place(root: Node, node: Node) -> Iterator[Node]:
    reference = node.get("$ref")
    if isinstance(reference, str):
        yield from _target(root, reference)
    for keyword in IN_PLACE:
        parts = node.get(keyword)
        if isinstance(parts, list):
            yield from (part for part in parts if isinstance(part, dict))


def _target(root: Node, reference: str) -> Iterator[Node]:
    """The object at a JSON pointer (RFC 6901) into `root`; nothing where there is none."""
    value: Any = root
    if not reference.startswith("#"):
        return
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return
    if isinstance(value, dict):
        yield value
