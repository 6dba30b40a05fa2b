"""Telling what a file of another format is, by its first bytes, so that the error can help."""

from typing import Final, Literal

from app.weights.errors import WeightsError

_BEGINNINGS: Final = (
    (b"GGUF", "GGUF"),
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


def refuse_other_format(start: bytes, name: str, wanted: Literal["GGUF", "ONNX"] = "GGUF") -> None:
    """`start` is at least the first 16 bytes, if there are so many. What is wanted passes, and
    what is not recognised. Raises WeightsError."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGES):
        raise WeightsError("weights_html", file=name)
    if start.startswith(_LFS_POINTER):
        raise WeightsError("weights_lfs_pointer", file=name)
    if wanted == "GGUF" and looks_like_onnx(start):
        raise WeightsError("weights_onnx_name", file=name)
    kind = _other(start)
    if kind and kind != wanted:
        raise WeightsError("weights_other_format", file=name, format=kind, wanted=wanted)


def looks_like_onnx(start: bytes) -> bool:
    """ModelProto: field 1 (ir_version, a small number), then field 2 (producer) or another."""
    return len(start) > 4 and start[0] == 0x08 and start[1] < 32 and start[2] in (0x12, 0x3A)


def _other(start: bytes) -> str | None:
    # Safetensors: the length of a JSON header, then the header.
    if len(start) > 8 and start[8:9] == b"{" and start[5:8] == b"\0\0\0":
        return "safetensors"
    if start[4:8] == b"ORTM":
        return "ORT"
    return next((kind for beginning, kind in _BEGINNINGS if start.startswith(beginning)), None)
