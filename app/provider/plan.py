"""How an engine is set up for these weights on this machine: a pure function of both."""

import os
from pathlib import Path
from typing import NoReturn

import psutil
from msgspec import Struct

from app.config import Settings
from app.domain.model_info import Notice
from app.weights import ModelSpec, WeightsError
from app.weights.memory import Footprint, needed_bytes
from app.weights.sizes import human_bytes

DEFAULT_WINDOW = 4096
SMALLEST_WINDOW = 512
DEFAULT_SLOTS = 4
# What stays for the system and its other processes.
HEADROOM = 0.9
# Prompt tokens between two looks at the other streams: measured as fast as 512 on CPUs, with
# a quarter of the pause for everybody else.
CPU_BATCH = 128


class Wishes(Struct, frozen=True):
    """Settings that choose for themselves when they are None."""

    context_length: int | None
    parallel_slots: int | None


class Plan(Struct, frozen=True):
    """`context_length` tokens for each of `slots`; `needed_bytes` of memory in all.

    `notices` tell where the plan is less than was asked for or than is usual.
    """

    context_length: int
    slots: int
    batch: int
    threads: int
    needed_bytes: int
    notices: tuple[Notice, ...] = ()


def plan(header: Footprint, wishes: Wishes, available_bytes: int, threads: int) -> Plan:
    """Wishes are kept; what is left open is made to fit the memory that is available, slots
    first, then the window. Whether it fits in the end is for the caller to check."""
    trained = header.context_length or DEFAULT_WINDOW
    window = min(wishes.context_length or min(DEFAULT_WINDOW, trained), trained)
    slots = wishes.parallel_slots or DEFAULT_SLOTS

    def too_big() -> bool:
        needed = needed_bytes(header, slots, window, CPU_BATCH)
        return needed > available_bytes * HEADROOM

    while wishes.parallel_slots is None and slots > 1 and too_big():
        slots //= 2
    while wishes.context_length is None and window > SMALLEST_WINDOW and too_big():
        window //= 2
    return Plan(
        context_length=window,
        slots=slots,
        batch=CPU_BATCH,
        threads=threads,
        needed_bytes=needed_bytes(header, slots, window, CPU_BATCH),
        notices=_notices(header, wishes, window),
    )


def wishes(settings: Settings) -> Wishes:
    return Wishes(settings.context_length, settings.parallel_slots)


def no_drafts(settings: Settings, model: str) -> tuple[Notice, ...]:
    """For engines that never draft: said where drafts were asked for."""
    if settings.speculation == "off":
        return ()
    return (Notice("speculation_unsupported", {"model": model}),)


def refuse_too_big(weights: ModelSpec, chosen: Plan, available_bytes: int) -> NoReturn:
    """Raise the WeightsError that says how much is missing."""
    raise WeightsError(
        "weights_memory",
        model=weights.id,
        needed=human_bytes(chosen.needed_bytes),
        free=human_bytes(available_bytes),
    )


def _notices(header: Footprint, wishes: Wishes, window: int) -> tuple[Notice, ...]:
    values: dict[str, str | int | float] = {
        "context_length": window,
        "training_context_length": header.context_length,
    }
    if wishes.context_length is not None and window < wishes.context_length:
        return (Notice("context_clamped", values),)
    usual = min(DEFAULT_WINDOW, header.context_length or DEFAULT_WINDOW)
    if wishes.context_length is None and window < usual:
        return (Notice("context_reduced", values),)
    return ()


def compute_threads() -> int:
    """Cores that this process may use: physical ones, within its affinity and CPU quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(physical, allowed, quota_cores()))


def quota_cores(path: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Whole cores of a container's CPU quota (cgroup v2); no quota is a great many."""
    unlimited = 1 << 16
    try:
        quota, period = path.read_text().split()
    except (OSError, ValueError):
        return unlimited
    return unlimited if quota == "max" else max(1, int(quota) // int(period))
