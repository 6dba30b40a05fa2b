"""A process with several writers, who write turns into the conversations they are given:
`python -m tests.database.crowd URL FOLDER NAME TURNS CONVERSATION...`

Prints one JSON line for each turn that was acknowledged, then one with the errors it met.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path

from app.database import Database, answers, open_database, questions
from app.database.records import Answer, Question, Turn
from app.domain.errors import SllmError

WRITERS = 8
PAUSE = 0.005


async def asked(database: Database, question: Question, errors: Counter[str]) -> Turn:
    """As a client does: who is told of a conflict asks again a little later."""
    while True:
        try:
            return await questions.ask(database, "local", question)
        except SllmError as error:
            errors[error.code] += 1
            if error.code != "conflict":
                raise
            await asyncio.sleep(random.uniform(0, 2 * PAUSE))


async def write(
    database: Database, name: str, turns: int, conversations: list[str], errors: Counter[str]
) -> None:
    chance = random.Random(name)
    for n in range(turns):
        question = Question(f"question {name} {n}", chance.choice(conversations))
        turn = await asked(database, question, errors)
        text = f"answer {name} {n}"
        await answers.settle(database, "local", turn.answer.id, Answer(text))
        written = (turn.conversation_id, turn.question.id, question.content, turn.answer.id, text)
        sys.stdout.write(json.dumps(written) + "\n")


async def crowd(
    url: str, folder: Path, name: str, turns: int, conversations: list[str]
) -> Counter[str]:
    errors: Counter[str] = Counter()
    database = await open_database(url, folder)
    try:
        async with asyncio.TaskGroup() as group:
            for n in range(WRITERS):
                writer = write(database, f"{name}.{n}", turns, conversations, errors)
                group.create_task(writer)
    finally:
        await database.close()
    return errors


if __name__ == "__main__":
    url, folder, name, turns, *chosen = sys.argv[1:]
    met = asyncio.run(crowd(url, Path(folder), name, int(turns), chosen))
    sys.stdout.write(json.dumps(met) + "\n")
