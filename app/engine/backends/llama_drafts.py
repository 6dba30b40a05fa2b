"""Drafts for llama.cpp: the tokens that followed the same few tokens earlier in the same slot.

Measured in docs/notes/speculation.md.
"""

from typing import Any, Final

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions

# How many tokens must have come before, and how many are then drafted at most. llama.cpp drafts no
# fewer tokens than it has compared.
REPEATED: Final = 6
DRAFTED: Final = 12


def draft_from_repetition(params: Any, simple: Any) -> None:
    """Let the server draft from each slot's own tokens (`simple`, its word for that way), with
    nothing remembered between requests: `ngram-mod` has one table for all slots, and would tell
    one client, through time, what another has been answered."""
    params.speculative.types = [simple]
    lookup = params.speculative.ngram_simple
    lookup.size_n, lookup.size_m = REPEATED, DRAFTED
    # What all slots draft at once must fit into one batch.
    params.n_batch = max(params.n_batch, params.n_parallel * (DRAFTED + 1))


def refuse_logprobs(options: GenerationOptions) -> None:
    """The server tells no log probabilities of drafted tokens. Raises SllmError."""
    if options.logprobs is not None:
        raise SllmError("unsupported_by_engine", "logprobs_drafted", param="logprobs")
