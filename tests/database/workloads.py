"""What a server does to its database, in five ways; each says what it has been promised."""

import asyncio
from collections.abc import Awaitable, Callable

from app.database import Database, answers, branches, conversations, deletion, questions, transfer
from app.database.records import Answer, ConversationQuery, Question, Turn
from tests.database.replay import Notes

OWNER = "local"
Workload = Callable[[Database, Notes], Awaitable[None]]


async def _turn(database: Database, notes: Notes, text: str, id_: str | None = None) -> Turn:
    turn = await questions.ask(database, OWNER, Question(text, id_))
    notes.promise(**{turn.question.id: text})
    answer = f"answer to {text}"
    await answers.save_progress(database, OWNER, turn.answer.id, answer[:6])
    notes.promise(**{turn.answer.id: answer[:6]})
    await answers.settle(database, OWNER, turn.answer.id, Answer(answer))
    notes.promise(**{turn.answer.id: answer})
    return turn


async def one_conversation(database: Database, notes: Notes) -> None:
    id_ = None
    for n in range(20):
        id_ = (await _turn(database, notes, f"질문 number {n}", id_)).conversation_id


async def at_once(database: Database, notes: Notes) -> None:
    async def chat(name: int) -> None:
        id_ = None
        for n in range(4):
            id_ = (await _turn(database, notes, f"{name} 번 {n}", id_)).conversation_id
            await branches.get_messages(database, OWNER, id_)
            await conversations.find(database, OWNER, ConversationQuery(search="번"))

    await asyncio.gather(*map(chat, range(5)))


async def long_texts(database: Database, notes: Notes) -> None:
    id_ = None
    for n in range(8):
        text = f"{n} 긴 글 " * 12_000
        id_ = (await _turn(database, notes, text, id_)).conversation_id


async def second_thoughts(database: Database, notes: Notes) -> None:
    for n in range(5):
        turn = await _turn(database, notes, f"first {n}")
        id_, question, answer = turn.conversation_id, turn.question.id, turn.answer.id
        edited = await questions.edit(database, OWNER, id_, question, f"edited {n}")
        notes.promise(**{edited.id: f"edited {n}"})
        again = await questions.ask_again(database, OWNER, id_, edited.id)
        await answers.settle(database, OWNER, again.answer.id, Answer(f"again {n}"))
        notes.promise(**{again.answer.id: f"again {n}"})
        await conversations.change(database, OWNER, id_, title=f"제목 {n}", metadata={"n": str(n)})
        if n % 2:
            await deletion.remove(database, OWNER, id_)
            gone = (question, answer, edited.id, again.answer.id)
            notes.promise(**dict.fromkeys(gone))


async def beside_a_reader(database: Database, notes: Notes) -> None:
    """A long export keeps the log from being emptied; when it ends, the log starts over."""
    for n in range(4):
        await _turn(database, notes, f"before {n}")
    async with database.read() as connection:
        await connection.exec_driver_sql("SELECT count(*) FROM messages")
        for n in range(8):
            await _turn(database, notes, f"beside {n}")
    for n in range(8):
        await _turn(database, notes, f"after {n}")
    async for tree in transfer.export_all(database, OWNER):
        for message in tree.messages:
            notes.promise(**{message.id: message.content})


ALL: tuple[Workload, ...] = (
    one_conversation, at_once, long_texts, second_thoughts, beside_a_reader,
)  # fmt: skip
