"""Everything that is counted where it happens; what is looked at during a scrape is a collector's.

Names and buckets follow vLLM's, text-generation-inference's and llama.cpp's where they have them.
Labels have few values, all of them the server's own: no id, no text, no path of a client.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
WAITS = (0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
TOKEN_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0, 500.0, 1000.0)
TOKENS = (16.0, 64.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 32768.0)


class Instruments:
    """The counters of this process; in multi-process mode a scrape adds those of all workers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._http()
        self._generations()
        self._tokens()
        self.images_decoded = self._counter(
            "sllm_images_decoded_total", "Images that were decoded, or refused.", "outcome"
        )

    def _http(self) -> None:
        self.http_requests = self._counter(
            "sllm_http_requests_total",
            "HTTP requests that ended; 499 means that the client left first.",
            "method", "route", "status",
        )  # fmt: skip
        self.http_duration = self._histogram(
            "sllm_http_request_duration_seconds",
            "Seconds from a request's headers to the end of its answer, streams included.",
            SECONDS,
            "method", "route",
        )  # fmt: skip
        self.http_in_progress = Gauge(
            "sllm_http_requests_in_progress",
            "HTTP requests whose answer has not ended.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.errors = self._counter(
            "sllm_errors_total", "Error answers and error events by their code.", "code"
        )
        self.api_cpu = self._counter(
            "sllm_api_cpu_seconds_total", "Processor seconds of all API workers, also ended ones."
        )

    def _generations(self) -> None:
        self.generations = self._counter(
            "sllm_generations_total",
            "Generations that ended: by a finish reason, cancelled, or failed.",
            "engine", "outcome",
        )  # fmt: skip
        self.queue_time = self._timed(
            "sllm_queue_time_seconds", "Seconds a generation waited for a slot.", WAITS
        )
        self.prefill_time = self._timed(
            "sllm_prefill_time_seconds", "Seconds of reading the prompt (prefill).", WAITS
        )
        self.first_token = self._timed(
            "sllm_time_to_first_token_seconds",
            "Seconds from a request's arrival to its first token.",
            WAITS,
        )
        self.inter_token = self._timed(
            "sllm_inter_token_latency_seconds",
            "Seconds between two pieces of an answer, almost always one token each.",
            TOKEN_SECONDS,
        )
        self.generation_time = self._timed(
            "sllm_generation_duration_seconds",
            "Seconds from a request's arrival to the end of its generation.",
            WAITS,
        )
        self.speed = self._timed(
            "sllm_generation_tokens_per_second",
            "Tokens per second of one generation after its first token.",
            SPEEDS,
        )

    def _tokens(self) -> None:
        self.prompt_tokens = self._counter(
            "sllm_prompt_tokens_total", "Prompt tokens of generations that had a slot.", "engine"
        )
        self.cached_tokens = self._counter(
            "sllm_cached_tokens_total",
            "Prompt tokens that were in a slot's KV cache and not computed again.",
            "engine",
        )
        self.completion_tokens = self._counter(
            "sllm_completion_tokens_total", "Generated tokens, counted as they come.", "engine"
        )
        self.prompt_size = self._timed(
            "sllm_request_prompt_tokens", "Prompt tokens of one generation.", TOKENS
        )
        self.completion_size = self._timed(
            "sllm_request_completion_tokens", "Generated tokens of one generation.", TOKENS
        )
        self.context_cuts = self._counter(
            "sllm_context_cuts_total",
            "Generations whose earlier messages did not all fit the context window.",
            "engine",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def _timed(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return self._histogram(name, text, buckets, "engine")
