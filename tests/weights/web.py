"""A loopback web server for tests: an index of wheels and a hub, with ranges and with faults."""

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[["Handler", bytes], None]
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


@dataclass
class Page:
    """A file to serve. `faults` are used up, one for each GET; `ranges` False ignores Range."""

    body: bytes
    kind: str = "application/octet-stream"
    ranges: bool = True
    etag: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass
class Web:
    """`pages` by path; `asked` is every GET of a page: its path and where its range starts.
    `refusals` are a status and a hub's word for it, by the path without its query."""

    address: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)

    def starts(self, path: str) -> list[int]:
        """Where each GET of `path` started to read."""
        return [start for asked, start in self.asked if asked == path]

    def offer(self, package: str, version: str, wheel: bytes, *, html: bool = False) -> Page:
        """Put a wheel into the index, described in JSON or in HTML."""
        name = f"{package.replace('-', '_')}-{version}-py3-none-any.whl"
        page = self.pages[f"/files/{name}"] = Page(wheel)
        url = f"../../files/{name}"
        if html:
            body = f'<a href="{url}#sha256={page.sha256}">{name}</a>'.encode()
            self.pages[f"/simple/{package}/"] = Page(body, "text/html")
        else:
            file = {"filename": name, "url": url, "hashes": {"sha256": page.sha256}}
            body = json.dumps({"meta": {"api-version": "1.0"}, "files": [file]}).encode()
            self.pages[f"/simple/{package}/"] = Page(body, JSON_PAGE)
        return page


def make_wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """One request; the server's `web` has the pages."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_HEAD(self) -> None:
        page = self.server.web.pages.get(self.path)
        self.answer(404 if page is None else 200, b"", page)

    def do_GET(self) -> None:
        web = self.server.web
        page = web.pages.get(self.path)
        start = int((re.findall(r"bytes=(\d+)-", self.headers.get("Range", "")) or ["0"])[0])
        web.asked.append((self.path, start))
        web.seen.append(dict(self.headers))
        refused = web.refusals.get(self.path.partition("?")[0])
        if refused is not None:
            self.answer(refused[0], b"no", headers={"X-Error-Code": refused[1]})
        elif page is None:
            self.answer(404, b"not here")
        elif page.faults:
            page.faults.pop(0)(self, page.body[start:] if page.ranges else page.body)
        else:
            self.serve(page, start)

    def serve(self, page: Page, start: int) -> None:
        guard = self.headers.get("If-Range")
        if not page.ranges or not start or (guard and guard != f'"{page.sha256}"'):
            self.answer(200, page.body, page)
        elif start >= len(page.body):
            self.answer(416, b"", headers={"Content-Range": f"bytes */{len(page.body)}"})
        else:
            span = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
            self.answer(206, page.body[start:], page, headers={"Content-Range": span})

    def answer(
        self,
        status: int,
        body: bytes,
        page: Page | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if page is not None:
            self.send_header("Content-Type", page.kind)
            if page.etag:
                self.send_header("ETag", f'"{page.sha256}"')
        for name, value in {**(page.headers if page else {}), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


def status(number: int) -> Fault:
    """Answer with a status in place of the file."""
    return lambda handler, body: handler.answer(number, b"no")


def web_page(handler: Handler, body: bytes) -> None:
    """A log-in page in place of the file."""
    handler.answer(200, b"<!doctype html><p>log in", headers={"Content-Type": "text/html"})


def drop_after(count: int, then: Callable[[], object] = lambda: None) -> Fault:
    """Announce all, send `count` bytes, do `then`, close the connection."""

    def fault(handler: Handler, body: bytes) -> None:
        partial = handler.headers.get("Range") is not None
        handler.send_response(206 if partial else 200)
        if partial:
            start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
            total = start + len(body)
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:count])
        handler.wfile.flush()
        then()
        handler.close_connection = True

    return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients of these tests are killed on purpose."""


@contextmanager
def serve() -> Iterator[Web]:
    """A server on a free loopback port; ends with the block."""
    with _Server(("127.0.0.1", 0), Handler) as server:
        server.web = Web(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.web
        finally:
            server.shutdown()
            thread.join()
