"""The search index: FTS5 over pairs of characters on SQLite, a GIN index on PostgreSQL.

Texts are cut up in `folding`. A conversation's title is indexed as its message number 0.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, TableClause, Text, column, func, select, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.folding import document_grams, fold, grams, owner_mark, terms_of
from app.database.tables import SEQ_BITS

# A word that nearly every message holds is looked up in the newest of them only.
MAX_HITS = 10_000

# FTS5: the column that is called like the table takes queries and commands.
pairs = table("search", column("rowid", BigInteger), column("search"), column("grams"))
listing = table(
    "search",
    column("number", BigInteger),
    column("conversation", BigInteger),
    column("owner", Text),
    column("folded", Text),
    column("grams", ARRAY(Text)),
)


async def add(connection: AsyncConnection, owner: str, texts: Mapping[int, str]) -> None:
    """Make texts findable, by their numbers. Each number must not be in the index yet."""
    index = pairs if connection.dialect.name == "sqlite" else listing
    rows = [_row(index, owner, number, text) for number, text in texts.items() if text]
    if rows:
        await connection.execute(index.insert(), rows)


async def remove(connection: AsyncConnection, owner: str, texts: Mapping[int, str]) -> None:
    """Take texts out; they must be the ones that were added."""
    if connection.dialect.name == "sqlite":
        rows = [_row(pairs, owner, number, text) for number, text in texts.items() if text]
        if rows:
            command = [row | {"search": "delete"} for row in rows]
            await connection.execute(pairs.insert(), command)
    elif texts:
        await connection.execute(
            listing.delete().where(listing.c.owner == owner, listing.c.number.in_(list(texts)))
        )


def _row(index: TableClause, owner: str, number: int, text: str) -> dict[str, Any]:
    folded, mark = fold(text), owner_mark(owner)
    found = [mark + pair for pair in document_grams(folded)]
    if index is pairs:
        return {"rowid": number, "grams": " ".join(found)}
    # A search for one character has no prefix lookup here: the characters are listed as well.
    characters = {mark + character for character in folded if character != " "}
    return {
        "number": number, "conversation": number >> SEQ_BITS, "owner": owner,
        "folded": folded, "grams": sorted({*found} | characters),
    }  # fmt: skip


def hits(dialect: str, owner: str, search: str) -> Select[int] | None:
    """The numbers of conversations that match, with repeats; None when `search` has no words.

    At most MAX_HITS messages and titles count, those of the newest conversations.
    """
    terms = terms_of(search)
    if not terms:
        return None
    if dialect == "sqlite":
        conversation = pairs.c.rowid.op(">>", return_type=BigInteger())(SEQ_BITS)
        matching = pairs.c.search.match(match_expression(owner, terms))
        newest = select(conversation).where(matching).order_by(pairs.c.rowid.desc())
        return newest.limit(MAX_HITS)
    mark = owner_mark(owner)
    wanted = [mark + gram for term in terms for gram in grams(term) or [term]]
    conditions = (
        listing.c.owner == owner,
        listing.c.grams.contains(wanted),
        # Pairs alone would also find words that only have the same pairs.
        *(func.strpos(listing.c.folded, term) > 0 for term in terms if len(term) > 2),
    )
    newest = select(listing.c.conversation).where(*conditions).order_by(listing.c.number.desc())
    return newest.limit(MAX_HITS)


def match_expression(owner: str, terms: list[str]) -> str:
    """FTS5's query: each term is a phrase of its pairs, one character the start of a pair."""
    mark = owner_mark(owner)
    phrases = [
        f'"{" ".join(mark + gram for gram in grams(term))}"'
        if len(term) > 1
        else f'"{mark}{term}"*'
        for term in terms
    ]
    return " AND ".join(phrases)
