"""Stop strings that arrive in pieces."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.engine.stop import StopFilter

TEXTS = st.text("ab<", max_size=30)


def fed(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    """What comes out until a stop string is complete, or in the end."""
    stop, out = StopFilter(stops), ""
    for piece in pieces:
        out += stop.feed(piece)
        if stop.stopped:
            return out, True
    return out + stop.rest(), False


@given(TEXTS, st.lists(st.text("ab<", min_size=1, max_size=4), max_size=3), st.data())
def test_the_text_before_the_first_stop_string_comes_out(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    out, stopped = fed(stops, pieces)
    assert stopped == bool(ends)
    if not ends:
        assert out == text
        return
    # The answer ends with the piece that completes one; of those in it the first counts.
    whole = next(edge for edge in edges[1:] if any(stop in text[:edge] for stop in stops))
    seen = text[:whole]
    assert out == seen[: min(seen.find(stop) for stop in stops if stop in seen)]


def test_nothing_is_let_out_that_may_become_a_stop_string() -> None:
    stop = StopFilter(["<end>", "STOP"])
    assert stop.feed("say <en") == "say "
    assert stop.feed("d of it ST") == "<end of it "
    assert stop.feed("O") == ""
    assert stop.rest() == "STO"


def test_without_stop_strings_nothing_waits() -> None:
    stop = StopFilter([])
    assert stop.feed("<") == "<"
    assert stop.rest() == ""
