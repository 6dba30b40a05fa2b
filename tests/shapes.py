"""Twenty questions of easy-VQA's test set with their pictures (MIT), which the demo that sees
answers right, as messages for an engine."""

import base64
import hashlib
import io
import json
from functools import cache
from pathlib import Path

from PIL import Image

from app.domain.messages import Picture

FILE = Path(__file__).with_name("shapes_questions.json")


@cache
def questions() -> list[dict[str, str]]:
    """Each with `question`, `answer` and `png` (base64)."""
    found: list[dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def picture(folder: Path, number: int) -> Picture:
    """The picture of question `number`, kept in `folder` as the server keeps pictures."""
    image = Image.open(io.BytesIO(base64.b64decode(questions()[number]["png"]))).convert("RGB")
    return kept(folder / f"{number}.png", image)


def kept(file: Path, image: Image.Image) -> Picture:
    image.save(file)
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    return Picture(str(file), digest, image.width, image.height)
