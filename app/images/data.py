"""Images in texts: base64, alone or as a `data:` URL, read strictly."""

import base64
import binascii
import re

from app.domain.errors import SllmError
from app.images.kinds import DECLARED, unsupported

_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
LONGEST_HEAD = 256


def bytes_of(text: str, most_bytes: int) -> bytes:
    """What `text` encodes. Raises SllmError `invalid_image`, `unsupported_media_type` for a
    `data:` URL of something else, `too_large` for more than `most_bytes`."""
    encoded = _payload(text)
    if len(encoded) // 4 * 3 > most_bytes + 2:
        raise too_large(most_bytes)
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise SllmError("invalid_image", "image_base64", param="images") from None
    if len(data) > most_bytes:
        raise too_large(most_bytes)
    return data


def too_large(most_bytes: int) -> SllmError:
    """The answer to an image of more bytes than this server takes."""
    return SllmError("too_large", "image_bytes", param="images", limit=most_bytes)


def _payload(text: str) -> str:
    if text[:5].lower() != "data:":
        return text
    head = _DATA_URL.match(text[:LONGEST_HEAD])
    if head is None:
        raise SllmError("invalid_image", "image_base64", param="images")
    if head[1].strip().lower() not in DECLARED:
        raise unsupported()
    if not head[2].lower().endswith(";base64"):
        raise SllmError("invalid_image", "image_base64", param="images")
    return text[head.end() :]
