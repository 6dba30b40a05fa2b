"""Opening a file that came from anywhere: only a regular one, never blocking, errors in words."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.weights.errors import WeightsError


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, int]]:
    """The descriptor and the size of a regular file; a FIFO or a device never blocks."""
    try:
        _refuse_irregular(path.stat().st_mode, path.name)
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        facts = os.fstat(file)
        _refuse_irregular(facts.st_mode, path.name)
        yield file, facts.st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(file)


def _refuse_irregular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise WeightsError("weights_directory", file=name)
    if not stat.S_ISREG(mode):
        raise WeightsError("weights_not_regular", file=name)


def _unreadable(path: Path, error: OSError | ValueError) -> WeightsError:
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    if number == errno.ELOOP:
        return WeightsError("weights_symlink_loop", file=path.name)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return WeightsError("weights_missing", file=path.name)
    reason = os.strerror(number or errno.EIO)
    return WeightsError("weights_unreadable", file=path.name, reason=reason)
