"""A large body of JSON, cut into its entries without parsing it: an array's, or one for each line.

No call here works on more than a small piece at a time, so other threads have their turns.
"""

import re
from collections.abc import Iterator

from msgspec import DecodeError, Raw
from msgspec import json as msgspec_json

# A structural character, or a string; a long one in parts, of which the last has the quote.
_TOKEN = re.compile(rb'[\[\]{},]|"(?:[^"\\]{1,1024}+|\\.?){0,4096}+(")?', re.DOTALL)
_REST = re.compile(rb'(?:[^"\\]{1,1024}+|\\.?){0,4096}+(")?', re.DOTALL)
_TEXT = re.compile(rb"[^ \t\r\n]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Of one entry; no conversation has so many.
MOST_TOKENS = 4_000_000


def entries(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Each entry with its line, or its place in the array, from 1. What is no JSON comes in
    pieces that are none: whoever parses them will say so. A single value is one entry."""
    start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    first = _TEXT.search(body, start)
    if first is None:
        return
    if first[0] == b"[":
        yield from enumerate(_items(body, first.end()), 1)
        return
    lines = _lines(body, start)
    if any(_is_object(line) for (_, line), _ in zip(_lines(body, start), range(2), strict=False)):
        yield from lines
    else:
        yield 1, body[start:]


def _lines(body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    number = 1
    while text := _TEXT.search(body, at):
        number += body.count(b"\n", at, text.start())
        end = body.find(b"\n", text.start())
        end = len(body) if end < 0 else end
        yield number, body[text.start() : end]
        at = end


def _is_object(text: bytes) -> bool:
    try:
        msgspec_json.decode(text, type=dict[str, Raw])
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _items(body: bytes, at: int) -> Iterator[bytes]:
    """Of an array whose opening bracket is before `at`; what follows its end is one more."""
    begin, depth, seen = at, 0, 0
    while token := _TOKEN.search(body, at):
        seen += 1
        at = _end_of(token, body)
        match body[token.start() : token.start() + 1]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b"," if depth == 0:
                yield body[begin : token.start()]
                begin, seen = at, 0
        if depth < 0 or seen > MOST_TOKENS:
            break
    closed = token is not None and depth < 0
    last = body[begin : token.start() if token and closed else len(body)]
    # `[]` has no item, `[1,]` and `[1` have one that is none.
    if _TEXT.search(last) or not closed or body[begin - 1 : begin] == b",":
        yield last
    if closed and _TEXT.search(body, at):
        yield body[at:]


def _end_of(token: re.Match[bytes], body: bytes) -> int:
    """Behind the token, the rest of a long string included."""
    at = token.end()
    if body[token.start()] != ord('"') or token[1] is not None:
        return at
    while at < len(body):
        rest = _REST.match(body, at)
        assert rest is not None  # it matches nothing, too
        at = rest.end()
        if rest[1] is not None:
            break
    return at
