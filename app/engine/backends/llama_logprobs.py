"""llama.cpp's log probabilities (`n_probs`, of the raw logits) as records, one for each token."""

from collections.abc import Sequence

from msgspec import Struct

from app.domain.logprobs import LOWEST_LOGPROB, Alternative, TokenLogprob


class Candidate(Struct, frozen=True):
    """A token in `completion_probabilities`; `bytes` of the chosen one are its chunk's text."""

    id: int
    bytes: list[int]
    logprob: float


class Chosen(Candidate, frozen=True):
    top_logprobs: list[Candidate] = []


def asking(alternatives: int) -> dict[str, object]:
    """Fields of a completion request. Without any alternative the chosen token's probability
    would not come either."""
    return {"n_probs": max(1, alternatives), "post_sampling_probs": False}


def records(chosen: Sequence[Chosen], alternatives: int) -> tuple[TokenLogprob, ...]:
    return tuple(_record(each, alternatives) for each in chosen)


def _record(chosen: Chosen, alternatives: int) -> TokenLogprob:
    top = tuple(Alternative(*_facts(each)) for each in chosen.top_logprobs[:alternatives])
    return TokenLogprob(*_facts(chosen), top)


def _facts(candidate: Candidate) -> tuple[int, bytes, float]:
    return candidate.id, bytes(candidate.bytes), max(candidate.logprob, LOWEST_LOGPROB)
