"""Searching: the same words are found on both databases, and the index forgets what is deleted."""

import pytest

from app.database import Database, answers, conversations, questions
from app.database.records import Answer, ConversationQuery, Question

TEXTS = {
    "korean": "한국어 검색을 시험합니다",
    "english": "The Quick Brown Fox jumps; see C++ and node.js",
    "mixed": "FastAPI로 서버를 만들자 (v4)",
    "names": "getUserName() max_tokens HTTPServer",
    "german": "Straße und Größe",
    "spread": "검정 색깔",
    "decomposed": "\u1112\u1161\u11ab\u1100\u1173\u11af",  # 한글 in NFD
    "emoji": "family 👨‍👩‍👧 \U00020000",
    "overlap": "가나다 라마",
    "apart": "가나 나다가 다나",
}
FOUND = {
    "검색": {"korean"},
    "한국": {"korean"},
    "시험합니다": {"korean"},
    "색": {"korean", "spread"},
    "quick": {"english"},
    "QUICK fox": {"english"},
    "uick": set(),  # words of alphabets are found by how they begin
    "qui": {"english"},
    "fox 검색": set(),
    "c++": {"english"},
    "node.js": {"english"},
    "nodejs": set(),
    "node.j": {"english"},
    "ode.js": set(),
    "node.js.": set(),
    "fastapi로": {"mixed"},
    "fastapi": {"mixed"},
    "api": {"mixed"},
    "만들": {"mixed"},
    "들자": {"mixed"},
    "자": {"mixed"},
    "서버를만들자": set(),
    "username": {"names"},
    "name()": set(),
    "getusername()": {"names"},
    "tokens": {"names"},
    "max_tok": {"names"},
    "server": {"names"},
    "(v4)": {"mixed"},
    "strasse": {"german"},
    "GRÖSSE": {"german"},
    "한글": {"decomposed"},
    "👧": {"emoji"},
    "\U00020000": {"emoji"},
    "가나다": {"overlap"},
    "나다가": {"apart"},
    "가나가": set(),
    "나다나": set(),
    '"': set(),
    "quick*": set(),
    "x OR fox": set(),
    "%": set(),
    "): NOT (": set(),
}


@pytest.fixture
async def names(database: Database) -> dict[str, str]:
    """Conversation ids to names of TEXTS; each text is an answer."""
    made = {}
    for name, text in TEXTS.items():
        turn = await questions.ask(database, "local", Question("q7q"))
        await answers.settle(database, "local", turn.answer.id, Answer(text))
        made[turn.conversation_id] = name
    return made


async def found(database: Database, names: dict[str, str], search: str) -> set[str]:
    query = ConversationQuery(search=search, page_size=100)
    page = await conversations.find(database, "local", query)
    assert page.total == len(page.items)
    return {names[item.id] for item in page.items}


async def test_what_is_found(database: Database, names: dict[str, str]) -> None:
    result = {search: await found(database, names, search) for search in FOUND}
    assert result == FOUND


async def test_questions_and_spaces(database: Database, names: dict[str, str]) -> None:
    everything = set(TEXTS)
    assert await found(database, names, "Q7") == everything
    assert await found(database, names, "  ") == everything


async def test_titles_are_found_by_their_newest_words(
    database: Database, names: dict[str, str]
) -> None:
    id_ = next(iter(names))
    await conversations.change(database, "local", id_, title="첫 제목")
    assert await found(database, names, "제목") == {"korean"}
    await conversations.change(database, "local", id_, title="새 이름")
    assert await found(database, names, "제목") == set()
    assert await found(database, names, "이름") == {"korean"}


async def test_an_interrupted_answer_is_found(database: Database, names: dict[str, str]) -> None:
    turn = await questions.ask(database, "local", Question("q7q"))
    await answers.save_progress(database, "local", turn.answer.id, "half")
    await answers.settle(database, "local", turn.answer.id, Answer("halfway", "interrupted"))
    names[turn.conversation_id] = "new"
    assert await found(database, names, "halfway") == {"new"}
