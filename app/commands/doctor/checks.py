"""Every check of the set-up, in the order in which it is told."""

from collections.abc import Iterator

from app.commands.doctor import files, machine, network
from app.commands.doctor.finding import Finding
from app.commands.doctor.settings_file import settings
from app.config import Settings


def findings() -> Iterator[Finding]:
    """Settings that cannot be used leave out what depends on them."""
    yield machine.python()
    found, told = settings()
    yield from told
    if found is not None:
        yield from _of(found)
    yield machine.memory()
    yield machine.limits()
    yield machine.clock()
    yield machine.openmp()
    yield from machine.libraries(found)
    yield from machine.extras()


def _of(found: Settings) -> Iterator[Finding]:
    """What depends on the settings."""
    yield files.data_dir(found)
    yield files.database(found)
    yield files.weights(found)
    yield from files.vision(found)
    yield from files.leftovers(found)
    yield network.port(found)
    yield files.keys(found)
    yield from network.exposure(found)
