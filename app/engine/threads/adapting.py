"""Looks at the machine twice a second and lets the engine compute with the threads that fit."""

import asyncio
import logging
import os
from collections.abc import Callable

from app.engine.spec import EngineSpec
from app.engine.threads.choice import ThreadChoice
from app.engine.threads.machine import Machine
from app.engine.threads.openmp import Team, is_adjustable

LOOK_SECONDS = 0.5
log = logging.getLogger(__name__)


async def adapt(spec: EngineSpec, device: str, tell: Callable[[int], None]) -> None:
    """Until it is cancelled; returns at once where there is nothing to adapt. `tell` hears of
    each change. To be started when the weights are loaded."""
    if spec.cpu_adapt == "off" or spec.backend != "llama" or device != "cpu" or spec.threads < 2:
        return
    if not is_adjustable():
        log.info("the number of threads stays as it is: not LLVM's OpenMP, or set by the user")
        return
    try:
        machine, team = Machine(), Team(len(os.sched_getaffinity(0)))
    except OSError:
        return
    choice = ThreadChoice(spec.threads)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        look, before = machine.look(), choice.threads
        log.debug("%s, %s threads compute", look, before)
        if look is None or choice.see(look) == before:
            continue
        await asyncio.to_thread(team.limit, choice.threads)
        log.info("%s of %s threads compute, beside the neighbours", choice.threads, choice.most)
        tell(choice.threads)
