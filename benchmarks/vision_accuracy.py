"""Asks the demo that sees every test question of easy-VQA over HTTP, in each of its three layouts:
`python -m benchmarks.vision_accuracy [--limit N]`. Needs the package easy-vqa.

Beside the shares of right answers stand what guessing without a picture gives, what the same
questions give with pictures shuffled, and how often two layouts answer alike.
"""

import argparse
import base64
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final, get_args

import httpx

from app.weights.shapes_demo import Kind, folder
from benchmarks.servers import our_server

COLOURS: Final = frozenset(["black", "blue", "brown", "gray", "green", "red", "teal", "yellow"])
KINDS: Final = ("all", "yes/no", "colour", "shape")
CLIENTS = 4
SHUFFLED = 1000
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Question:
    """`picture` is a PNG in base64."""

    text: str
    answer: str
    picture: str

    @property
    def kind(self) -> str:
        if self.answer in ("yes", "no"):
            return "yes/no"
        return "colour" if self.answer in COLOURS else "shape"


def test_questions(limit: int | None) -> list[Question]:
    """All of them, or about `limit`: those of pictures drawn with a fixed seed."""
    import easy_vqa

    paths = easy_vqa.get_test_image_paths()
    pictures = {number: encoded(Path(path)) for number, path in paths.items()}
    asked = [
        Question(text, answer, pictures[number])
        for text, answer, number in zip(*easy_vqa.get_test_questions(), strict=True)
    ]
    groups = by_picture(asked)
    if limit is not None:
        random.Random(5).shuffle(groups)
    return [question for group in groups for question in group][:limit]


def by_picture(questions: Sequence[Question]) -> list[list[Question]]:
    """One after the other they are quick: the server still has what it has seen of a picture."""
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault(question.picture, []).append(question)
    return list(groups.values())


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def blind(questions: Sequence[Question]) -> list[str]:
    """The commonest answer that the training questions give to the same words."""
    import easy_vqa

    texts, answers, _ = easy_vqa.get_train_questions()
    counts: dict[str, Counter[str]] = {}
    for text, answer in zip(texts, answers, strict=True):
        counts.setdefault(text, Counter())[answer] += 1
    return [counts[question.text].most_common(1)[0][0] for question in questions]


def shuffled(questions: Sequence[Question]) -> list[Question]:
    """The same questions, each with another one's picture."""
    pictures = list({question.picture: None for question in questions})
    random.Random(6).shuffle(pictures)
    others = dict(zip(pictures, [*pictures[1:], pictures[0]], strict=True))
    return [
        Question(question.text, question.answer, others[question.picture]) for question in questions
    ]


def ask(http: httpx.Client, question: Question) -> str:
    body: dict[str, Any] = {
        "message": question.text,
        "images": [{"data": question.picture}],
        "temperature": 0,
        "max_tokens": 16,
    }
    response = http.post("/api/v5/vision/chat", json=body)
    response.raise_for_status()
    said: str = response.json()["response"]
    return said.strip()


def ask_all(kind: Kind, questions: Sequence[Question], extra: Sequence[Question]) -> list[str]:
    """The answers to both lists from our server with one layout loaded."""
    with tempfile.TemporaryDirectory() as data:
        settings = {"VISION_MODEL_PATH": str(folder(kind)), "QUEUE_LIMIT": "64"}
        with our_server("scripted", Path(data), (), **settings) as server:
            url = f"http://127.0.0.1:{server.port}"
            with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as http:
                wait_for_vision(http)
                with ThreadPoolExecutor(CLIENTS) as clients:
                    groups = [*by_picture(questions), *by_picture(extra)]
                    said = clients.map(lambda group: [ask(http, each) for each in group], groups)
                    return [answer for group in said for answer in group]


def wait_for_vision(http: httpx.Client) -> None:
    """Loading takes less than a second; a model that failed says why."""
    while (info := http.get("/api/v5/vision/info").json())["status"] != "ready":
        if info["status"] in ("failed", "not_configured"):
            raise SystemExit(f"no vision: {info['reason']}")
        time.sleep(0.1)


def shares(questions: Sequence[Question], answers: Sequence[str]) -> dict[str, float]:
    """Right answers by kind, in percent."""
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for question, answer in zip(questions, answers, strict=True):
        for kind in ("all", question.kind):
            asked[kind] += 1
            right[kind] += answer == question.answer
    return {kind: 100 * right[kind] / asked[kind] for kind in KINDS if asked[kind]}


def row(name: str, found: dict[str, float]) -> str:
    return f"| {name} | " + " | ".join(f"{found.get(kind, 0.0):.1f}" for kind in KINDS) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="only so many questions, drawn by a fixed seed")
    parser.add_argument("--kinds", nargs="+", choices=get_args(Kind), default=list(get_args(Kind)))
    chosen = parser.parse_args()
    questions = test_questions(chosen.limit)
    control = shuffled(questions)[:SHUFFLED]
    print(f"{len(questions)} questions; right answers in percent\n")
    print("| | " + " | ".join(KINDS) + " |\n|---|" + "---:|" * len(KINDS))
    print(row("the commonest answer, no picture", shares(questions, blind(questions))))
    answers: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    for kind in chosen.kinds:
        started = time.perf_counter()
        said = ask_all(kind, questions, control)
        seconds[kind] = time.perf_counter() - started
        answers[kind] = said[: len(questions)]
        print(row(kind, shares(questions, answers[kind])), flush=True)
        print(
            row(f"{kind}, pictures shuffled", shares(control, said[len(questions) :])), flush=True
        )
    for one, other in combinations(answers, 2):
        alike = sum(map(str.__eq__, answers[one], answers[other])) / len(questions)
        print(f"\n{one} and {other} answer alike: {100 * alike:.2f} %")
    asked = len(questions) + len(control)
    for kind, taken in seconds.items():
        print(f"\n{kind}: {asked} questions in {taken:.0f} s, {asked / taken:.0f} a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
