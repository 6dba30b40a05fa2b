"""Every statement this package sends finds its rows by an index, on both databases."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.database import (
    Database,
    answers,
    branches,
    conversations,
    deletion,
    idempotency,
    questions,
    templates,
    transfer,
)
from app.database.records import Answer, ConversationQuery, NewConversation, Question, Setup
from app.domain.messages import Message

Sent = dict[str, Any]
TABLES = "conversations|messages|labels|idempotency|templates|template_versions|search"
ALIASES = "current_message|parents"
# The index over pending messages holds nothing else; recovery reads it whole.
ALLOWED = "SCAN messages USING COVERING INDEX messages_pending"


@contextmanager
def recorded(database: Database) -> Iterator[Sent]:
    """Each different statement, with the parameters of one use."""
    sent: Sent = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        sent[statement] = parameters[0] if many else parameters

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def use_everything(database: Database) -> None:
    """Call every public function, with all that makes statements different."""
    start = NewConversation("title", {"k": "v"}, Setup("t", (Message("system", "s"),)))
    asked = Question("안녕하세요", start=start, idempotency_key="k", request_hash="h")
    turn = await questions.ask(database, "local", asked)
    await questions.ask(database, "local", asked)
    await questions.repeated(database, "local", asked)
    id_, answer = turn.conversation_id, turn.answer.id
    await answers.save_progress(database, "local", answer, "half")
    await answers.settle(database, "local", answer, Answer("whole", result={}))
    await questions.ask(database, "local", Question("more", id_, answer))
    question = await branches.question_of(database, "local", id_, answer)
    await questions.ask_again(database, "local", id_, question.id, instead_of=answer)
    await questions.edit(database, "local", id_, turn.question.id, "other")
    await conversations.change(
        database, "local", id_, title="t", metadata={"k": "w"}, current_message_id=answer
    )
    await conversations.get(database, "local", id_)
    for search in ("", "안녕", "x", "what ever"):
        for metadata in ({}, {"k": "w"}):
            for order in ("updated_desc", "created_desc"):
                query = ConversationQuery(1, 20, search, order, metadata)
                await conversations.find(database, "local", query)
    await branches.get_messages(database, "local", id_, page_size=2)
    await branches.get_messages(database, "local", id_, all_branches=True)
    await branches.get_message(database, "local", id_, answer)
    await branches.snapshot(database, "local", id_, answer)
    async for tree in transfer.export_all(database, "local"):
        await transfer.import_one(database, "local", tree)
    await transfer.export_one(database, "local", id_)
    await templates.create_template(database, "local", "t", {"system": "x"}, most=9)
    await templates.replace_template(database, "local", "t", {"system": "y"})
    await templates.restore_template(database, "local", "t", 1)
    await templates.list_templates(database, "local")
    await templates.some_templates(database, "local", 0, 5)
    await templates.template_history(database, "local", "t", 0, 5)
    await templates.get_template(database, "local", "t")
    await templates.delete_template(database, "local", "t")
    await answers.recover(database)
    database.presence.writer, before = "0" * 16, database.presence.writer
    await questions.ask(database, "local", Question("of a dead process"))
    database.presence.writer = before
    await answers.recover(database)
    await idempotency.forget(database, 60)
    await deletion.remove(database, "local", id_)
    await deletion.remove_all(database, "local")


async def plan(database: Database, statement: str, parameters: Any) -> list[str]:
    how = "EXPLAIN QUERY PLAN" if database.kind == "sqlite" else "EXPLAIN"
    async with database.write() as connection:
        if database.kind == "postgresql":  # tables are small here; what if they were not?
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = (await connection.exec_driver_sql(f"{how} {statement}", parameters)).all()
    return [str(row[-1]).strip() for row in rows]


def is_scan(step: str) -> bool:
    if step.startswith(ALLOWED):
        return False
    if re.match(r"SCAN search VIRTUAL TABLE INDEX \d+:M", step):
        return False
    return bool(re.match(rf"SCAN ({TABLES}|{ALIASES})\b", step)) or "Seq Scan" in step


async def test_no_statement_reads_a_whole_table(database: Database) -> None:
    with recorded(database) as sent:
        await use_everything(database)
    scans = {}
    looked_at = 0
    for statement, parameters in sent.items():
        if re.match(r"(WITH|SELECT|UPDATE|DELETE)\b", statement) and re.search(
            rf"\b({TABLES})\b", statement
        ):
            looked_at += 1
            steps = [step for step in await plan(database, statement, parameters) if is_scan(step)]
            if steps:
                scans[statement] = steps
    assert looked_at > 40
    assert scans == {}


async def test_the_look_sees_a_scan(database: Database) -> None:
    steps = await plan(database, "SELECT * FROM messages WHERE content = 'x'", ())
    assert any(map(is_scan, steps))
