"""What this thread may do beyond its user's rights (capabilities(7)), and those it starts."""

import ctypes
from typing import Any

# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root reads and writes whatever a file's mode says.
OVERRIDE = 1 << 1 | 1 << 2
VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def effective() -> int:
    """The first 32 of them, as bits."""
    return int(_read()[0].effective)


def set_effective(bits: int) -> None:
    """Raises OSError for what is not permitted."""
    sets = _read()
    sets[0].effective = bits
    _call(_libc.capset, sets)


def _read() -> ctypes.Array[_Set]:
    sets = (_Set * 2)()
    _call(_libc.capget, sets)
    return sets


def _call(function: Any, sets: ctypes.Array[_Set]) -> None:
    header = _Header(VERSION_3, 0)
    if function(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), str(function.__name__))
