"""How many of easy-VQA's test questions a model answers right, word for word, per kind."""

from collections import Counter

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from training import network, scenes, words
from training.language import embedded

BATCH = 128


@torch.no_grad()
def accuracy(
    model: LlavaForConditionalGeneration,
    tokenizer: Tokenizer,
    data: scenes.Scenes,
    questions: list[scenes.Question],
) -> dict[str, float]:
    """Shares of right answers by kind, and of all. An answer is right when each of its tokens is
    the likeliest one after those before it: then greedy generation writes it as well."""
    model.eval()
    features = torch.cat([rows(model, p) for p in scenes.normalised(data.pictures).split(250)])
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    ordered = sorted(questions, key=lambda question: len(question.text))
    for start in range(0, len(ordered), BATCH):
        some = ordered[start : start + BATCH]
        hits = _hits(model, tokenizer, features, some)
        for question, hit in zip(some, hits, strict=True):
            for kind in (question.kind, "all"):
                asked[kind] += 1
                right[kind] += hit
    model.train()
    return {kind: right[kind] / asked[kind] for kind in sorted(asked)}


def rows(model: LlavaForConditionalGeneration, pixels: Tensor) -> Tensor:
    """What the language part gets to see of normalised pictures: [n, 64, width]."""
    return model.model.multi_modal_projector(network.seen(model, pixels))


def _hits(
    model: LlavaForConditionalGeneration,
    tokenizer: Tokenizer,
    features: Tensor,
    questions: list[scenes.Question],
) -> list[bool]:
    places = words.IMAGE * network.PICTURE_TOKENS
    written = []
    for question in questions:
        head = f"<|im_start|>user\n{places}{question.text}<|im_end|>\n<|im_start|>assistant\n"
        tail = f"{question.answer}<|im_end|>"
        written.append((tokenizer.encode(head).ids, tokenizer.encode(tail).ids))
    length = max(len(head) + len(tail) for head, tail in written)
    ids = torch.full((len(written), length), tokenizer.token_to_id(words.PAD))
    for number, (head, tail) in enumerate(written):
        ids[number, : len(head) + len(tail)] = torch.tensor(head + tail)
    seen = features[torch.tensor([question.picture for question in questions])].flatten(0, 1)
    inputs = embedded(model, ids, seen)
    hidden = model.model.language_model(inputs_embeds=inputs, use_cache=False).last_hidden_state
    likeliest = model.lm_head(hidden[:, network.PICTURE_TOKENS :]).argmax(-1)
    hits = []
    for number, (head, tail) in enumerate(written):
        first = len(head) - 1 - network.PICTURE_TOKENS
        hits.append(likeliest[number, first : first + len(tail)].tolist() == tail)
    return hits
