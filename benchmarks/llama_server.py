"""llama.cpp's own HTTP server, alone in a process: what our overhead is measured against.

`python -m benchmarks.llama_server '{"path": ..., "port": ...}'`; ends when its parent does.
"""

import sys

import msgspec
from msgspec import Struct


class LlamaSettings(Struct, frozen=True):
    """`context_length` is the window of one slot in tokens, `batch` prompt tokens a step,
    computed by `micro_batch` (None: all at once). `own_defaults` leaves everything else, batch
    and threads too, as llama-server has it."""

    path: str
    port: int
    context_length: int
    slots: int
    batch: int = 0
    threads: int = 0
    own_defaults: bool = False
    micro_batch: int | None = None


def main() -> None:
    """Serve on loopback until standard input ends."""
    import xllamacpp

    settings = msgspec.json.decode(sys.argv[1], type=LlamaSettings)
    params = xllamacpp.CommonParams()
    params.model.path = settings.path
    params.hostnames = ["127.0.0.1"]
    params.port = settings.port
    params.n_ctx = settings.context_length * settings.slots
    params.n_parallel = settings.slots
    params.n_gpu_layers = 0
    params.fit_params = params.ui = False
    params.verbosity = 1
    if not settings.own_defaults:
        params.kv_unified = params.ctx_shift = False
        params.n_batch, params.n_ubatch = settings.batch, settings.micro_batch or settings.batch
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
        params.cache_ram_mib = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
