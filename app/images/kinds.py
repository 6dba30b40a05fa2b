"""Which images are taken, by their first bytes: what a client says of them is not believed."""

from app.domain.errors import SllmError

_PNG, _JPEG, _WEBP, _GIF = "image/png", "image/jpeg", "image/webp", "image/gif"
# Media types, and Pillow's names for them.
FORMATS = {_PNG: "PNG", _JPEG: "JPEG", _WEBP: "WEBP", _GIF: "GIF"}
# What programs write into `data:` URLs besides: other names of these, and that of any file.
DECLARED = FORMATS.keys() | {
    "image/jpg", "image/pjpeg", "image/x-png", "image/apng", "application/octet-stream",
}  # fmt: skip


def media_type_of(data: bytes) -> str:
    """One of FORMATS. Raises SllmError `unsupported_media_type`, or `invalid_image` where there
    is nothing."""
    if not data:
        raise SllmError("invalid_image", param="images")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if data.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _GIF
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _WEBP
    raise unsupported()


def unsupported() -> SllmError:
    """The answer to any other kind."""
    return SllmError("unsupported_media_type", "image_kind", param="images")
