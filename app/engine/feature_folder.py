"""Where features of images are kept, for those who never look into them: they go with the image."""

import re
from pathlib import Path
from typing import Final

# Of DATA_DIR: `<encoder>/<picture's key>.features`, so that no image is encoded twice.
FEATURES: Final = "vision-features"
SUFFIX: Final = ".features"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def forget(folder: Path, sha256: str) -> None:
    """Delete what is kept of a picture, of all encoders and tenants."""
    if _SHA256.fullmatch(sha256):
        for path in folder.glob(f"*/{sha256}*{SUFFIX}"):
            path.unlink(missing_ok=True)
