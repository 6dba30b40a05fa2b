"""A chat about images as a client has it."""

from pathlib import Path
from typing import Any

import httpx

from tests.images.samples import in_base64, plain
from tests.support import Server

CHAT = "/api/v5/vision/chat"


def seeing(server: Server) -> None:
    """Wait until the model that sees is there."""
    server.wait_until(lambda: server.health()["models"]["vision"]["status"] == "ready")


def image(width: int = 40, height: int = 20, colour: Any = (255, 0, 0)) -> dict[str, str]:
    return {"data": in_base64(plain(width, height, colour))}


def ask(
    client: httpx.Client, message: str, *images: Any, expect: int = 200, **fields: Any
) -> dict[str, Any]:
    """One chat in JSON; `headers` among the fields go into the request's head."""
    headers = fields.pop("headers", {})
    body = {"message": message, **({"images": list(images)} if images else {}), **fields}
    answer = client.post(CHAT, json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault."""
    told = answer.json()["error"]
    return answer.status_code, told["code"], told.get("param")


def files(folder: Path) -> list[str]:
    """Whatever is kept of images, by its hash."""
    kept = folder / "images"
    assert list((kept / "incoming").iterdir()) == []
    assert list((kept / "leases").iterdir()) == []
    return sorted(path.stem for path in kept.glob("*.png"))
