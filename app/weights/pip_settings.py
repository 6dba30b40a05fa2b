"""Where pip would fetch from, and how: asked of pip itself, so that it is never told twice.

Configuration files, PIP_* variables and pip's own default index all come in this way.
"""

import ssl
import subprocess
import sys
from os import environ
from pathlib import Path
from typing import Final
from urllib.request import getproxies

import msgspec
from msgspec import Struct

from app.weights.errors import WeightsError

TIMEOUT_SECONDS: Final = 60
# pip has no public interface for its settings; its option parser is the oldest of the private
# ones, and applies files and variables in pip's own order.
_QUESTION: Final = """
import json
from pip._internal.commands import create_command
options, _ = create_command("download").parse_args([])
names = ("index_url extra_index_urls find_links no_index cert client_cert proxy trusted_hosts"
         " timeout").split()
print(json.dumps({name: getattr(options, name) for name in names}))
"""


class PipSettings(Struct, frozen=True):
    """pip's options of the same names; URLs may hold credentials. `timeout` in seconds."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    timeout: float = 15.0

    @property
    def index_urls(self) -> tuple[str, ...]:
        """In pip's order; none under `no_index`."""
        if self.no_index or not self.index_url:
            return ()
        return (self.index_url, *self.extra_index_urls)

    @property
    def proxy_for_https(self) -> str | None:
        return self.proxy or getproxies().get("https")

    def tls(self) -> ssl.SSLContext:
        """Trust what pip trusts. Raises WeightsError for a certificate file that is not one."""
        bundle = self.cert or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
        try:
            context = _context(bundle)
            if self.client_cert:
                context.load_cert_chain(self.client_cert)
        except OSError as error:
            raise WeightsError("weights_pip_unusable", reason="cert, client_cert") from error
        return context


def _context(bundle: str | None) -> ssl.SSLContext:
    if not bundle:
        return ssl.create_default_context()
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


def read_pip_settings() -> PipSettings:
    """Ask the pip of this environment. Raises WeightsError if there is none or it complains."""
    command = [sys.executable, "-P", "-c", _QUESTION]
    try:
        answer = subprocess.run(  # noqa: S603 - our own interpreter and script
            command, capture_output=True, check=True, timeout=TIMEOUT_SECONDS
        )
        # Not strict: pip gives a variable's flag as 1.
        return msgspec.json.decode(answer.stdout.splitlines()[-1], type=PipSettings, strict=False)
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise WeightsError("weights_pip_unusable", reason=_without_paths(last)) from error
    except (subprocess.TimeoutExpired, IndexError, msgspec.DecodeError) as error:
        raise WeightsError("weights_pip_unusable", reason="no answer") from error


def _without_paths(line: str) -> str:
    """The message may be shown to anybody; paths and URLs may not."""
    return " ".join(word for word in line.split() if "/" not in word)[:200] or "pip failed"
