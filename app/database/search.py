"""The search index: FTS5 on SQLite, a GIN index over arrays on PostgreSQL, of the same tokens.

Texts are cut up in `folding`. A conversation's title is indexed as its message number 0.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Select, TableClause, Text, column, func, select, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.folding import (
    fold,
    is_run,
    owner_mark,
    pairs,
    plain,
    spelled,
    terms_of,
    tokens,
    units,
)
from app.database.tables import SEQ_BITS

# A word that more messages hold is looked up in the newest of them only.
MAX_HITS = 2_000

# FTS5 puts each transaction's tokens into a segment of its own and has to merge them. By itself it
# does so seldom and much; here each text that is added merges this many pages of 4 KB: what one
# text takes, on its way through the levels of a large index, and some more to catch up.
MERGED_PAGES = 8
MOST_MERGED_PAGES = 512  # at once, for an import

# A row of the index without the number of its text.
Entry = dict[str, Any]

# FTS5: the column that is called like the table takes queries and commands.
marks = table(
    "search", column("rowid", BigInteger), column("search"), column("rank"), column("tokens")
)
listing = table(
    "search",
    column("number", BigInteger),
    column("conversation", BigInteger),
    column("owner", Text),
    column("spelled", Text),
    column("tokens", ARRAY(Text)),
)
_MARKED, _LISTED = marks.insert(), listing.insert()


def entries(dialect: str, owner: str, texts: Mapping[int, str]) -> dict[int, Entry]:
    """What the index will hold of each text. Cutting many up takes a while: do it in a thread,
    before the transaction that adds or removes them."""
    index = marks if dialect == "sqlite" else listing
    return {key: _entry(index, owner, text) for key, text in texts.items()}


async def add(
    connection: AsyncConnection,
    owner: str,
    texts: Mapping[int, str],
    ready: Mapping[int, Entry] = MappingProxyType({}),
) -> None:
    """Make texts findable, by their numbers. Each number must not be in the index yet; `ready`
    has the entries that were made before."""
    index = marks if connection.dialect.name == "sqlite" else listing
    rows = _rows(index, owner, texts, ready)
    if rows:
        await connection.execute(_MARKED if index is marks else _LISTED, rows)
    if rows and index is marks:
        pages = min(len(rows) * MERGED_PAGES, MOST_MERGED_PAGES)
        await connection.execute(_MARKED, {"search": "merge", "rank": pages})


async def remove(
    connection: AsyncConnection,
    owner: str,
    texts: Mapping[int, str],
    ready: Mapping[int, Entry] = MappingProxyType({}),
) -> None:
    """Take texts out; they must be the ones that were added, and so must those of `ready`."""
    if connection.dialect.name == "sqlite":
        rows = _rows(marks, owner, texts, ready)
        if rows:
            command = [row | {"search": "delete"} for row in rows]
            await connection.execute(marks.insert(), command)
    elif texts:
        await connection.execute(
            listing.delete().where(listing.c.owner == owner, listing.c.number.in_(list(texts)))
        )


def _rows(
    index: TableClause, owner: str, texts: Mapping[int, str], ready: Mapping[int, Entry]
) -> list[dict[str, Any]]:
    rows = []
    for number, text in texts.items():
        if text:
            entry = ready.get(number) or _entry(index, owner, text)
            place = {"number": number, "conversation": number >> SEQ_BITS, "owner": owner}
            rows.append({"rowid": number, **entry} if index is marks else place | entry)
    return rows


def _entry(index: TableClause, owner: str, text: str) -> Entry:
    folded, mark = fold(text), owner_mark(owner)
    followed, found = tokens(folded)
    if index is marks:
        return {"tokens": " ".join(mark + token for token in followed + found)}
    words = folded.split(" ")
    return {
        "spelled": " ".join(spelled(list(map(plain, units(word)))) for word in words),
        "tokens": sorted({mark + token for token in followed + found}),
    }


def hits(dialect: str, owner: str, search: str) -> Select[int] | None:
    """The numbers of conversations that match, with repeats; None when `search` has no words.

    At most MAX_HITS messages and titles count, those of the newest conversations.
    """
    terms = terms_of(search)
    if not terms:
        return None
    if dialect == "sqlite":
        conversation = marks.c.rowid.op(">>", return_type=BigInteger())(SEQ_BITS)
        matching = marks.c.search.match(match_expression(owner, terms))
        newest = select(conversation).where(matching).order_by(marks.c.rowid.desc())
        return newest.limit(MAX_HITS)
    return _listed(owner, terms)


def _listed(owner: str, terms: list[list[str]]) -> Select[int]:
    """`hits` on PostgreSQL: all that the index gives, the newest of them, those that are right."""
    wanted = [owner_mark(owner) + token for term in terms for token in _needed(term)]
    matching = (
        select(listing.c.number, listing.c.conversation, listing.c.spelled)
        .where(listing.c.owner == owner, listing.c.tokens.contains(wanted))
        # A fence: or it would walk along the numbers, newest first, and unpack each text's tokens.
        .offset(0)
        .subquery()
    )
    newest = select(matching).order_by(matching.c.number.desc()).limit(MAX_HITS).subquery()
    # Tokens say that the units are there, not that they follow each other; two are one token.
    in_order = [
        func.strpos(newest.c.spelled, spelled(term)) > 0
        for term in terms
        if len(term) > 2 or (len(term) == 2 and is_run(term[-1]))
    ]
    return select(newest.c.conversation).where(*in_order)


async def prefer_index(connection: AsyncConnection) -> None:
    """For this transaction. PostgreSQL takes a frequent word for a reason to read all texts; it
    does not know what unpacking their tokens costs."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.set_config("enable_seqscan", "off", True)))


def _needed(term: list[str]) -> list[str]:
    """The tokens of every text that holds the term: the last unit may go on there."""
    last = term[-1]
    if is_run(last):
        return [*pairs(term[:-1]), last]
    return pairs(term) or term


def match_expression(owner: str, terms: list[list[str]]) -> str:
    """FTS5's query: a start, or a phrase of pairs, of which the last may go on."""
    mark = owner_mark(owner)

    def phrase(term: list[str]) -> str:
        if len(term) == 1:
            return f'"{mark}{term[0]}"'
        words = " ".join(mark + pair for pair in pairs(term))
        return f'"{words}"*' if is_run(term[-1]) else f'"{words}"'

    return " AND ".join(map(phrase, terms))
