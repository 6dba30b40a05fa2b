"""A model hub for tests: its file API over the loopback web server."""

import hashlib
import json
from dataclasses import dataclass, field

from tests.weights.web import Page, Web

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What git-lfs keeps; the others are known by git's own hash.
LARGE = (".gguf", ".onnx", ".safetensors")


@dataclass
class HubPages:
    """One repository. `wrong` names files whose promised hash is another's."""

    web: Web
    repo: str = "maker/tiny"
    files: dict[str, bytes] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    gated: bool = False
    license: str = "mit"

    def publish(self, *revisions: str) -> None:
        """Answer for `main` and `revisions`; every file at the commit."""
        body = json.dumps(self._description()).encode()
        places = [f"/api/models/{self.repo}"]
        places += [f"/api/models/{self.repo}/revision/{each}" for each in ("main", *revisions)]
        for place in places:
            self.web.pages[f"{place}?blobs=true"] = Page(body, "application/json")
        for name, content in self.files.items():
            self.web.pages[self.path(name)] = Page(content)

    def path(self, name: str) -> str:
        return f"/{self.repo}/resolve/{COMMIT}/{name}"

    def refuse(self, status: int, code: str = "") -> None:
        """Answer questions for the repository with an error."""
        self.web.refusals[f"/api/models/{self.repo}"] = (status, code)

    def _description(self) -> dict[str, object]:
        return {
            "id": self.repo,
            "modelId": self.repo,
            "sha": COMMIT,
            "private": False,
            "gated": "manual" if self.gated else False,
            "tags": [],
            "cardData": {"license": self.license},
            "siblings": [self._sibling(name, content) for name, content in self.files.items()],
        }

    def _sibling(self, name: str, content: bytes) -> dict[str, object]:
        promised = content + b"!" if name in self.wrong else content
        blob = hashlib.sha1(b"blob %d\0" % len(content) + promised).hexdigest()
        found: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if name.endswith(LARGE):
            sha256 = hashlib.sha256(promised).hexdigest()
            found["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
        return found
