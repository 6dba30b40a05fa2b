"""A process that writes turns until it is killed, and says what it has been promised:
`python -m tests.database.writer URL FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path

from app.database import answers, open_database, questions
from app.database.records import Answer, Question


def promise(message_id: str, content: str) -> None:
    sys.stdout.write(f"{message_id} {content}\n")
    sys.stdout.flush()


async def write(url: str, folder: Path, name: str) -> None:
    database = await open_database(url, folder)
    conversation = None
    for n in range(100_000):
        asked = Question(f"question {name} {n}", conversation if n % 5 else None)
        turn = await questions.ask(database, "local", asked)
        promise(turn.question.id, asked.content)
        await answers.save_progress(database, "local", turn.answer.id, f"answer {name}")
        if n % 3:
            ended = Answer(f"answer {name} {n}", finish_reason="stop")
            await answers.settle(database, "local", turn.answer.id, ended)
            promise(turn.answer.id, ended.content)
        conversation = turn.conversation_id if n % 3 else None


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
