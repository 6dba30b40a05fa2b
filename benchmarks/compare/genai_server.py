"""Bare onnxruntime-genai behind a stream of OpenAI's kind: one request at a time, and the newest
conversation stays in the cache.

`python -m benchmarks.compare.genai_server FOLDER PORT THREADS WINDOW`; a peer, not a product.
"""

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from aiohttp import web


class Model:
    """The weights, and what is computed of the conversation that spoke last."""

    def __init__(self, folder: str, threads: int, window: int) -> None:
        genai: Any = importlib.import_module("onnxruntime_genai")

        genai.disable_telemetry_events()
        config = genai.Config(folder)
        options = {"intra_op_num_threads": threads}
        config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
        self._genai, self._model = genai, genai.Model(config)
        self._tokenizer = genai.Tokenizer(self._model)
        self._ends = set(map(int, self._tokenizer.eos_token_ids))
        self._window = window
        self._generator: Any = None
        self._known: list[int] = []

    def answer(self, messages: list[Any], limit: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Each token's text, and the counts so far."""
        text = self._tokenizer.apply_chat_template(json.dumps(messages))
        prompt = [int(token) for token in self._tokenizer.encode(text)]
        cached = self._feed(prompt)
        stream, made = self._tokenizer.create_stream(), 0
        while made < limit and len(self._known) < self._window:
            self._generator.generate_next_token()
            token = int(self._generator.get_next_tokens()[0])
            made += 1
            self._known.append(token)
            if token in self._ends:
                break
            counts = {"prompt_tokens": len(prompt), "completion_tokens": made, "cached": cached}
            yield stream.decode(token), counts

    def _feed(self, prompt: list[int]) -> int:
        """Let the model read what it has not read; returns what it had."""
        common = 0
        # The last token is read in any case: what follows it is asked for.
        for known, wanted in zip(self._known, prompt[:-1], strict=False):
            if known != wanted:
                break
            common += 1
        if self._generator is None or common == 0:
            params = self._genai.GeneratorParams(self._model)
            params.set_search_options(max_length=self._window, do_sample=False)
            self._generator, common = self._genai.Generator(self._model, params), 0
        elif common < self._generator.token_count():
            self._generator.rewind_to(common)
        self._generator.append_tokens(prompt[common:])
        self._known = list(prompt)
        return common


def _chunk(text: str | None, reason: str | None, usage: dict[str, int] | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    event: dict[str, Any] = {"object": "chat.completion.chunk", "choices": [choice]}
    if usage:
        cached = usage.pop("cached")
        event["usage"] = usage | {"prompt_tokens_details": {"cached_tokens": cached}}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


async def _chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    counts: dict[str, int] = {}
    async with request.app[LOCK]:
        answer = request.app[MODEL].answer(body["messages"], body["max_tokens"])
        while (piece := await asyncio.to_thread(next, answer, None)) is not None:
            text, counts = piece
            await response.write(_chunk(text, None, None))
    full = counts.get("completion_tokens") == body["max_tokens"]
    await response.write(_chunk(None, "length" if full else "stop", counts))
    await response.write(b"data: [DONE]\n\n")
    return response


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


MODEL = web.AppKey("model", Model)
LOCK = web.AppKey("lock", asyncio.Lock)


def main() -> None:
    folder, port, threads, window = sys.argv[1:]
    app = web.Application()
    app[MODEL] = Model(folder, int(threads), int(window))
    app[LOCK] = asyncio.Lock()
    app.add_routes([web.post("/v1/chat/completions", _chat), web.get("/health", _health)])
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main()
