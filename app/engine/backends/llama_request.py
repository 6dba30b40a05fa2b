"""A llama.cpp completion request, built field by field: nothing of a client's body passes."""

from typing import Any

from app.domain.options import GenerationOptions
from app.engine.answer_schema import answer_schema
from app.engine.backends.llama_logprobs import asking

# llama.cpp draws a new seed for this number (LLAMA_DEFAULT_SEED), so no client may mean it.
RANDOM_SEED = 2**32 - 1


def completion_body(
    prompt: list[int] | dict[str, Any], options: GenerationOptions, slot: int, reuse: bool
) -> dict[str, Any]:
    """The body of `POST /completion` for `prompt` (token ids, or text and images) in slot
    number `slot`.

    `return_progress` makes prefill cancellable between batches; without `reuse` (another
    owner filled the slot) nothing of the slot's cache is used. Stop strings are not
    llama.cpp's business: see llama_stream.
    """
    body: dict[str, Any] = {
        "prompt": prompt,
        "id_slot": slot,
        "cache_prompt": reuse,
        "stream": True,
        "return_progress": True,
        "n_predict": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "min_p": options.min_p,
        "repeat_penalty": options.repeat_penalty,
        "presence_penalty": options.presence_penalty,
        "frequency_penalty": options.frequency_penalty,
        "seed": RANDOM_SEED if options.seed is None else min(options.seed, RANDOM_SEED - 1),
    }
    if options.logprobs is not None:
        body |= asking(options.logprobs)
    schema = answer_schema(options.response_format)
    if schema is not None:
        body["json_schema"] = schema
    return body
