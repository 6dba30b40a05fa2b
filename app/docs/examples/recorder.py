"""Runs the scenarios against a running server and keeps what was said.

`VISION_MODEL_PATH=shapes-demo ./run.sh` in one terminal, then in another
`python -m app.docs.examples.recorder http://127.0.0.1:8000`.
"""

import base64
import re
import sys
from typing import Any

import httpx2

from app.docs.examples.exchange import Answered, Exchange, Normaliser, Sent, save
from app.docs.examples.pictures import CIRCLE
from app.docs.examples.scenario import SCENARIOS, Step

# Headers of an answer that a reader needs.
TOLD = ("content-type", "etag", "location", "retry-after", "content-disposition")
TEXTS = ("text/", "application/x-ndjson")
SECONDS = 180.0
_KEPT = re.compile(r"\$([a-z_]+)")


def record(url: str, version: str) -> list[Exchange]:
    """Every example of a version, run now on the server at `url`."""
    run = Run(url, version)
    with httpx2.Client(base_url=url, timeout=SECONDS) as client:
        return [run.step(client, step) for step in SCENARIOS[version]]


class Run:
    """What earlier answers gave to later requests."""

    def __init__(self, url: str, version: str) -> None:
        self.prefix = f"/api/{version}"
        self._kept: dict[str, str] = {}
        self._normalise = Normaliser()

    def step(self, client: httpx2.Client, step: Step) -> Exchange:
        """Ask, remember what is needed later, and tell what happened."""
        path, body = self._path(step), self._filled(step.body)
        headers = self._filled(step.headers)
        content: dict[str, Any] = {"files": parts(step.form)} if step.form else {}
        if body is not None:
            content = {"json": body}
        answer = client.request(step.method, path, headers=headers, **content)
        for name, place in step.keep.items():
            self._kept[name] = dig(answer.json(), place)
        sent = Sent(path, headers, body, step.form)
        told = Exchange(step.title, step.method, self.prefix + step.route, sent, answered(answer))
        return self._normalised(told)

    def _path(self, step: Step) -> str:
        values = self._filled(step.values)
        path = self.prefix + step.route.format(**values)
        return f"{path}?{step.query}" if step.query else path

    def _filled(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._filled(each) for key, each in value.items()}
            case list():
                return [self._filled(each) for each in value]
            case str():
                return _KEPT.sub(lambda match: self._kept[match[1]], value)
        return value

    def _normalised(self, told: Exchange) -> Exchange:
        known = self._normalise
        sent = Sent(
            known.text(told.sent.path),
            told.sent.headers,
            known.value(told.sent.body),
            told.sent.form,
        )
        back = told.answered
        texts = {name: known.text(value) for name, value in back.headers.items()}
        answer = Answered(back.status, texts, known.value(back.body), known.text(back.text))
        return Exchange(told.title, told.method, told.route, sent, answer)


def parts(form: dict[str, str]) -> list[tuple[str, Any]]:
    """A form's parts; `@circle.png` is the picture as a file, as curl writes it."""
    picture = ("circle.png", base64.b64decode(CIRCLE), "image/png")
    return [(name, picture if text[:1] == "@" else (None, text)) for name, text in form.items()]


def answered(answer: httpx2.Response) -> Answered:
    """The answer with the headers that matter."""
    if not answer.content:
        return Answered(answer.status_code)
    headers = {name: answer.headers[name] for name in TOLD if name in answer.headers}
    kind = headers.get("content-type", "")
    if kind.startswith("application/json"):
        return Answered(answer.status_code, headers, answer.json())
    text = answer.text if kind.startswith(TEXTS) else ""
    return Answered(answer.status_code, headers, text=text)


def dig(value: Any, place: str) -> str:
    """The part of a JSON value at `images.0.id`."""
    for key in place.split("."):
        value = value[int(key) if isinstance(value, list) else key]
    return str(value)


def main(url: str, *versions: str) -> None:
    """Record these versions, or every one."""
    for version in versions or SCENARIOS:
        save(version, record(url, version))


if __name__ == "__main__":
    main(*sys.argv[1:])
