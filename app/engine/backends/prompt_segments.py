"""Rendered prompts as token ids, segment by segment: a conversation's next turn is tokenized only
where it is new.

A control token is never joined with what is before it, so the text can be cut in front of each.
What is remembered is its owner's alone: how soon a prompt is ready must not tell what others say.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from typing import Protocol

# Of all owners' texts together; the least recently used go first.
MOST_CHARACTERS = 1 << 19


class Tokenizes(Protocol):
    """What a backend's tokenizer can do."""

    async def tokenize(
        self, text: str, *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        """Token ids; without `parse_special` a control token's spelling stays plain text."""
        ...


# The control tokens that a text spells, and their ids.
Controls = Callable[[str], Awaitable[dict[str, int]]]


class Segments:
    """`controls` finds the control tokens of a prompt."""

    def __init__(self, client: Tokenizes, controls: Controls) -> None:
        self._client, self._controls = client, controls
        self._known: OrderedDict[tuple[str, str], array[int]] = OrderedDict()
        self._characters = 0
        self._around: int | None = None

    async def ids(self, text: str, owner: str) -> list[int]:
        """The ids of a rendered prompt, as if it were tokenized in one go. Nothing is remembered
        for the owner without a name."""
        controls = await self._controls(text) if owner else {}
        first, *others = cut(text, controls)
        if not others or await self._puts_an_end():
            return await self._whole(text)
        ids = list(self._recall(owner, first) or ())
        if not ids:
            ids = await self._whole(first)
            self._remember(owner, first, ids)
        for run in self._runs(owner, others):
            ids += run if isinstance(run, array) else await self._new(owner, run, controls)
        return ids

    async def _whole(self, text: str) -> list[int]:
        return await self._client.tokenize(text, parse_special=True, add_special=True)

    async def _puts_an_end(self) -> bool:
        """Some vocabularies want a token at the end of a text as well; few are for chats."""
        if self._around is None:
            self._around = len(await self._whole(""))
        return self._around > 1

    def _runs(self, owner: str, segments: Sequence[str]) -> list["array[int] | list[str]"]:
        """Ids where they are known; what is new together, as far as it is in a row."""
        runs: list[array[int] | list[str]] = []
        for segment in segments:
            known = self._recall(owner, segment)
            if known is not None:
                runs.append(known)
            elif runs and isinstance(runs[-1], list):
                runs[-1].append(segment)
            else:
                runs.append([segment])
        return runs

    async def _new(self, owner: str, segments: list[str], controls: dict[str, int]) -> list[int]:
        ids = await self._client.tokenize("".join(segments), parse_special=True)
        marks = frozenset(controls.values())
        begins = [place for place, token in enumerate(ids) if token in marks]
        if len(begins) == len(segments) and begins[0] == 0:
            ends = [*begins[1:], len(ids)]
            for segment, begin, end in zip(segments, begins, ends, strict=True):
                self._remember(owner, segment, ids[begin:end])
        return ids

    def _recall(self, owner: str, segment: str) -> "array[int] | None":
        found = self._known.get((owner, segment))
        if found is not None:
            self._known.move_to_end((owner, segment))
        return found

    def _remember(self, owner: str, segment: str, ids: Sequence[int]) -> None:
        if (owner, segment) not in self._known:
            self._characters += len(segment)
        self._known[owner, segment] = array("i", ids)
        while self._characters > MOST_CHARACTERS:
            (_, oldest), _ = self._known.popitem(last=False)
            self._characters -= len(oldest)

    def forget(self, owner: str) -> None:
        """Nothing of `owner`'s is remembered any more."""
        for key in [key for key in self._known if key[0] == owner]:
            del self._known[key]
            self._characters -= len(key[1])


def any_of(spellings: Iterable[str]) -> re.Pattern[str]:
    """Finds each of them, the longest first; of none it finds nothing."""
    longest_first = sorted(set(spellings) - {""}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def cut(text: str, controls: Iterable[str]) -> list[str]:
    """Cut in front of control tokens. The first segment is what comes before the second of them,
    as a tokenizer may put its own tokens in front of it."""
    begins = [found.start() for found in any_of(controls).finditer(text) if found.start() > 0]
    places = [0, *begins, len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]
