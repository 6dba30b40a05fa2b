"""Conversations as wholes: begin, list and search them, change what they are called."""

from typing import Any

from sqlalchemy import Select, UnaryExpression, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import search
from app.database.lookup import conversation_of, locked_conversation, message_of
from app.database.records import (
    Conversation,
    ConversationPage,
    ConversationQuery,
    NewConversation,
    Setup,
)
from app.database.rows import (
    as_conversation,
    conversation_rows,
    label_rows,
    setup_columns,
    to_json,
)
from app.database.session import Database
from app.database.tables import conversations, labels, number_of
from app.database.texts import check_text, new_id, now


async def create(database: Database, owner: str, start: NewConversation) -> Conversation:
    """A conversation without messages. Raises SllmError `invalid_parameter`."""
    async with database.write() as connection:
        _, id_ = await insert(connection, owner, start)
        return as_conversation(await conversation_of(connection, owner, id_))


async def insert(
    connection: AsyncConnection, owner: str, start: NewConversation
) -> tuple[int, str]:
    """Its number and its id, inside a transaction."""
    check_new(start)
    id_, moment = start.id or new_id("conv"), now()
    row = {
        "owner": owner, "id": id_, "title": start.title, "metadata": to_json(start.metadata),
        **setup_columns(start.setup), "created_at": moment, "updated_at": moment,
        "message_count": 0, "last_seq": 0,
    }  # fmt: skip
    made = await connection.execute(conversations.insert().returning(conversations.c.number), row)
    number: int = made.scalar_one()
    await search.add(connection, owner, {number_of(number, 0): start.title})
    if start.metadata:
        await connection.execute(labels.insert(), label_rows(owner, number, start.metadata))
    return number, id_


def check_new(start: NewConversation) -> None:
    """Refuse what a database cannot hold, whichever it is."""
    check_text(start.title, "title")
    check_setup(start.setup)
    check_metadata(start.metadata)


def check_setup(setup: Setup) -> None:
    check_text(setup.template or "", "template")
    for message in setup.head:
        check_text(message.content, "system_prompt")


def check_metadata(metadata: dict[str, str]) -> None:
    for key, value in metadata.items():
        check_text(key + value, "metadata")


async def get(database: Database, owner: str, id_: str) -> Conversation:
    """Raises SllmError `not_found`, for another owner's as for none."""
    async with database.read() as connection:
        return as_conversation(await conversation_of(connection, owner, id_))


async def find(database: Database, owner: str, query: ConversationQuery) -> ConversationPage:
    """One page of the conversations that `query` describes, newest first.

    A search for what more than `search.MAX_HITS` messages hold finds and counts those of the
    newest conversations. SllmError `invalid_parameter`.
    """
    check_text(query.search, "q")
    check_metadata(query.metadata)
    wanted = filtered(select(conversations.c.number), database.kind, owner, query)
    async with database.read() as connection:
        total, page = await _page(connection, wanted, query)
        shown = conversation_rows().where(
            conversations.c.owner == owner, conversations.c.number.in_(page)
        )
        # Put in order here: SQLite, asked to, would walk along all conversations instead.
        rows = {row.number: row for row in await connection.execute(shown)}
    items = tuple(as_conversation(rows[number]) for number in page)
    return ConversationPage(items, total, query.page, query.page_size)


def _order(query: ConversationQuery) -> tuple[UnaryExpression[Any], ...]:
    column = conversations.c[query.order.replace("_desc", "_at")]
    return column.desc(), conversations.c.number.desc()


async def _page(
    connection: AsyncConnection, wanted: Select[Any], query: ConversationQuery
) -> tuple[int, list[int]]:
    """How many conversations are wanted, and the numbers of those on the page."""
    numbers = (
        wanted.order_by(*_order(query))
        .limit(query.page_size)
        .offset((query.page - 1) * query.page_size)
    )
    if query.search:  # the search costs more than the rest: once for both
        await search.prefer_index(connection)
        counted = numbers.add_columns(func.count().over().label("total"))
        rows = (await connection.execute(counted)).all()
        if rows:
            return rows[0].total, [row.number for row in rows]
    count = select(func.count()).select_from(wanted.subquery())
    total = (await connection.execute(count)).scalar_one()
    return total, list((await connection.execute(numbers)).scalars())


def filtered(
    wanted: Select[Any], dialect: str, owner: str, query: ConversationQuery
) -> Select[Any]:
    """`wanted`, narrowed to what `query` asks for."""
    hits = search.hits(dialect, owner, query.search)
    if hits is None:
        wanted = wanted.where(conversations.c.owner == owner)
    else:  # with no index on this condition, or all conversations would be compared to the hits
        wanted = wanted.where(conversations.c.owner + "" == owner, conversations.c.number.in_(hits))
    for key, value in query.metadata.items():
        wanted = wanted.where(
            conversations.c.number.in_(
                select(labels.c.conversation).where(
                    labels.c.owner == owner, labels.c.key == key, labels.c.value == value
                )
            )
        )
    return wanted


async def change(
    database: Database,
    owner: str,
    id_: str,
    *,
    title: str | None = None,
    metadata: dict[str, str] | None = None,
    current_message_id: str | None = None,
) -> Conversation:
    """Set what is not None. The current message must be of this conversation (`not_found`)."""
    check_text(title or "", "title")
    check_metadata(metadata or {})
    async with database.write() as connection:
        row = await locked_conversation(connection, owner, id_)
        values: dict[str, Any] = {"updated_at": now()}
        if title is not None:
            values["title"] = title
            await _index_title(connection, owner, row, title)
        if metadata is not None:
            values["metadata"] = to_json(metadata)
            await _replace_labels(connection, owner, row.number, metadata)
        if current_message_id is not None:
            message = await message_of(connection, owner, current_message_id, row.number)
            values["current"] = message.number
        changed = update(conversations).where(
            conversations.c.owner == owner, conversations.c.number == row.number
        )
        await connection.execute(changed, values)
        return as_conversation(await conversation_of(connection, owner, id_))


async def _index_title(connection: AsyncConnection, owner: str, row: Any, title: str) -> None:
    number = number_of(row.number, 0)
    await search.remove(connection, owner, {number: row.title})
    await search.add(connection, owner, {number: title})


async def _replace_labels(
    connection: AsyncConnection, owner: str, number: int, metadata: dict[str, str]
) -> None:
    await connection.execute(
        delete(labels).where(labels.c.owner == owner, labels.c.conversation == number)
    )
    if metadata:
        await connection.execute(labels.insert(), label_rows(owner, number, metadata))
