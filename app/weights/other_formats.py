"""Telling what a file that is not GGUF is, by its first bytes, so that the error can help."""

from typing import Final

from app.weights.errors import WeightsError

_BEGINNINGS: Final = (
    (b"PK\x03\x04", "PyTorch or zip"),
    (b"\x80\x02", "PyTorch"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89HDF", "HDF5 (Keras)"),
    (b"lmgg", "GGML (before GGUF)"),
    (b"fmgg", "GGML (before GGUF)"),
    (b"tjgg", "GGML (before GGUF)"),
)
_PAGES: Final = (b"<!doctype", b"<html", b"<?xml", b"<head")
_LFS_POINTER: Final = b"version https://git-lfs"


def refuse_other_format(start: bytes, name: str) -> None:
    """`start` is at least the first 16 bytes, if there are so many. GGUF passes, and what is
    not recognised. Raises WeightsError."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGES):
        raise WeightsError("weights_html", file=name)
    if start.startswith(_LFS_POINTER):
        raise WeightsError("weights_lfs_pointer", file=name)
    if looks_like_onnx(start, name):
        raise WeightsError("weights_onnx_not_yet", file=name)
    if kind := _other(start):
        raise WeightsError("weights_other_format", file=name, format=kind)


def looks_like_onnx(start: bytes, name: str) -> bool:
    """ModelProto: field 1 (ir_version, a small number), then field 2 (producer) or another."""
    is_proto = len(start) > 4 and start[0] == 0x08 and start[1] < 32 and start[2] in (0x12, 0x3A)
    return is_proto or name.lower().endswith((".onnx", ".ort"))


def _other(start: bytes) -> str | None:
    if start.startswith(b"GGUF"):
        return None
    # Safetensors: the length of a JSON header, then the header.
    if len(start) > 8 and start[8:9] == b"{" and start[5:8] == b"\0\0\0":
        return "safetensors"
    return next((kind for beginning, kind in _BEGINNINGS if start.startswith(beginning)), None)
