"""When a slot's cache is written, and when one is brought back: a conversation never computes its
own past again, not after others had its slot and not after a restart."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from app.engine.backends.base import Backend, BackendDied
from app.engine.kv import entries
from app.engine.kv.store import Found, Store
from app.engine.kv_folder import entry_name
from app.engine.slots import Slot, common_prefix

# Fewer tokens are computed as soon as they are read.
FEWEST_TOKENS = 64
# A person thinks longer between two turns; a program that does not would have it written twice.
QUIET_SECONDS = 0.3
# Of a kept chat that is no conversation, this much must be the beginning of what replaces it.
SAME_CHAT = 0.9
# Owns what anybody may ask for, and nothing else; no API key has this id.
EVERYBODY = "*"
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Unwritten:
    """What an idle slot holds and no file does."""

    slot: int
    owner: str
    conversation: str
    tokens: tuple[int, ...]
    forgotten: bool = False

    def is_wanted(self) -> bool:
        """Asked again after each wait: the conversation may have been deleted meanwhile."""
        return not self.forgotten


class Keeper:
    """Keeps conversations in `lasting` (None: nowhere) and other chats in `passing`, which ends
    with the engine."""

    def __init__(self, backend: Backend, lasting: Store | None, passing: Store | None) -> None:
        self._backend = backend
        self._lasting, self._passing = lasting, passing
        self._stores = [store for store in (lasting, passing) if store is not None]
        self._unwritten: dict[int, Unwritten] = {}
        self._writing: dict[int, Unwritten] = {}
        # One thread for files, there from the start: others' pools have their size, too.
        self._files = ThreadPoolExecutor(1, "kv-files")
        if self._stores:
            self._files.submit(int)
        self._locks = [asyncio.Lock() for _ in range(backend.info.slots)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._hurried = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """While somebody waits for a first token: what can be written later is."""
        self._hurried += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._hurried -= 1
            if not self._hurried:
                self._calm.set()

    def find(self, owner: str, prompt: list[int]) -> Found | None:
        """What is kept of `owner`'s, or for everybody, that begins as `prompt` does, if that is
        worth a file."""
        places = [(store, owner) for store in self._stores]
        if self._lasting is not None:
            places.append((self._lasting, EVERYBODY))
        found = [one for store, whose in places if (one := store.find(whose, prompt)) is not None]
        best = max(found, key=lambda one: one.shared, default=None)
        return best if best is not None and best.shared >= FEWEST_TOKENS else None

    def lacks(self, tokens: list[int]) -> bool:
        """Whether it would be worth to keep `tokens` for everybody, and they are not kept yet."""
        if self._lasting is None or len(tokens) < FEWEST_TOKENS:
            return False
        found = self._lasting.find(EVERYBODY, tokens)
        return found is None or found.shared < len(tokens)

    async def prepare(
        self, slot: Slot, prompt: Sequence[int], found: Found | None, shared: int
    ) -> bool:
        """A taken slot for `prompt`, of which it holds `shared` tokens: what it held and no file
        does is written, unless the prompt goes on from there; then `found` is brought, if that
        is more. Whether it was."""
        unwritten = self._unwritten.get(slot.number)
        if unwritten is not None and _continues(slot, prompt, unwritten):
            del self._unwritten[slot.number]
        async with self._locks[slot.number]:
            await self._write(slot.number)
            if found is None or found.shared < shared + FEWEST_TOKENS:
                return False
            return await self._bring(slot, found)

    def release(self, slot: Slot) -> None:
        """An idle slot's cache is to be written, soon or when the slot is wanted. One without a
        conversation is only then: most of them never come again."""
        if not self._stores or len(slot.tokens) < FEWEST_TOKENS:
            return
        waiting = Unwritten(slot.number, slot.owner, slot.conversation, tuple(slot.tokens))
        self._unwritten[slot.number] = waiting
        if slot.conversation and self._lasting is not None:
            task = asyncio.create_task(self._write_later(waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def forget(self, owner: str, conversation: str | None) -> None:
        """Nothing is kept of a conversation, or of any of `owner`'s; not even what is being
        written now."""
        name = None if conversation is None else entry_name(owner, conversation)
        for store in self._stores:
            store.forget(owner, name)
        for waiting in [*self._unwritten.values(), *self._writing.values()]:
            if waiting.owner == owner and conversation in (None, waiting.conversation):
                waiting.forgotten = True

    async def close(self) -> None:
        """Write what is left; the files of passing chats go."""
        for waiting in list(self._unwritten.values()):
            if waiting.conversation:
                async with self._locks[waiting.slot]:
                    await self._write(waiting.slot)
        if self._lasting is not None:
            self._lasting.close()
        if self._passing is not None:
            self._passing.clear()
        self._files.shutdown(wait=False)

    async def _write_later(self, waiting: Unwritten) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        # llama.cpp computes nothing while it writes.
        await self._calm.wait()
        async with self._locks[waiting.slot]:
            if self._unwritten.get(waiting.slot) is waiting:
                await self._write(waiting.slot)

    async def _write(self, slot: int) -> None:
        waiting = self._unwritten.pop(slot, None)
        if waiting is None or not waiting.is_wanted():
            return
        store = self._lasting if waiting.conversation else self._passing
        if store is None:
            return
        self._writing[slot] = waiting
        try:
            await self._write_to(store, waiting)
        except OSError as error:
            log.warning("a conversation's cache could not be kept: %s", error.strerror)
        except BackendDied:
            # Whoever asks next is told; nobody asked for this.
            log.warning("a conversation's cache could not be kept: the engine has died")
        finally:
            del self._writing[slot]

    async def _write_to(self, store: Store, waiting: Unwritten) -> None:
        name = self._name(store, waiting)
        part = store.writing(name)
        try:
            kept = await self._backend.save_slot(waiting.slot, waiting.tokens, part)
            if kept < FEWEST_TOKENS or not waiting.is_wanted():
                return
            tokens = waiting.tokens[:kept]
            entry = await self._in_thread(entries.commit, store.folder, name, waiting.owner, tokens)
            if waiting.is_wanted():
                store.add(entry)
            else:
                store.drop(name)
        finally:
            part.unlink(missing_ok=True)

    def _name(self, store: Store, waiting: Unwritten) -> str:
        """A conversation has one entry; another chat that of the chat it goes on from."""
        if waiting.conversation:
            return entry_name(waiting.owner, waiting.conversation)
        before = store.find(waiting.owner, list(waiting.tokens))
        if before is not None and before.shared >= SAME_CHAT * len(before.entry.tokens):
            return before.entry.name
        return entry_name(waiting.owner, secrets.token_hex())

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work, *values)

    async def _bring(self, slot: Slot, found: Found) -> bool:
        store, entry, _ = found
        if not store.seen_whole(entry) and not await self._in_thread(store.is_whole, entry):
            store.drop(entry.name)
            return False
        rows = store.reading(entry)
        if not await self._backend.restore_slot(slot.number, entry.tokens, rows):
            store.drop(entry.name)
            return False
        try:
            store.used(entry)
        except OSError as error:
            log.warning("a cache's last use could not be noted: %s", error.strerror)
        return True


def _continues(slot: Slot, prompt: Sequence[int], unwritten: Unwritten) -> bool:
    """Whether writing it now would be for nothing: the same chat goes on where it ended."""
    tokens = unwritten.tokens
    if (slot.owner, slot.conversation) != (unwritten.owner, unwritten.conversation):
        return False
    return common_prefix(list(tokens), list(prompt)) >= SAME_CHAT * len(tokens)
