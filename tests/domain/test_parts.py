"""What kept messages are made of, for people, for models, and for models that know no tools."""

from app.domain.messages import Message
from app.domain.parts import Parts, in_words, joined, silent, spoken
from app.domain.tools import ToolCall

CALL = ToolCall("c1", "look", '{"at": "sky"}')


def test_calls_are_shown_after_the_words() -> None:
    assert Parts("Let me see.", calls=(CALL, None)).shown == 'Let me see.\n\nlook({"at": "sky"})'
    assert Parts(calls=(CALL,)).shown == 'look({"at": "sky"})'
    assert Parts("words", "thoughts").shown == "words"


def test_only_words_are_plain() -> None:
    assert Parts("words").plain
    assert not Parts("words", "thoughts").plain
    assert not Parts("words", developer=True).plain


def test_a_model_is_shown_calls_and_results_but_no_thoughts() -> None:
    assert spoken("assistant", "", parts=Parts("a", "b", (None, CALL))) == Message(
        "assistant", "a", calls=(CALL,)
    )
    assert spoken("user", "x", parts=Parts("blue", result_of="c1")) == Message(
        "tool", "blue", answers="c1"
    )
    assert spoken("user", "x") == Message("user", "x")


def test_thoughts_alone_are_silent_and_an_empty_result_is_not() -> None:
    assert silent(spoken("assistant", "", parts=Parts("", "thoughts")))
    assert not silent(spoken("user", "", parts=Parts("", result_of="c1")))


def test_without_tools_everything_is_words() -> None:
    messages = (
        Message("system", "s"),
        Message("user", "Why?"),
        Message("assistant", "", calls=(CALL,)),
        Message("tool", "blue", answers="c1"),
        Message("user", "So?"),
    )
    assert in_words(messages) == (
        Message("system", "s"),
        Message("user", "Why?"),
        Message("assistant", 'look({"at": "sky"})'),
        Message("user", "blue\n\nSo?"),
    )
    assert in_words(messages[:2]) == messages[:2]


def test_two_messages_of_one_side() -> None:
    one = joined(Message("assistant", "a", calls=(CALL,)), Message("assistant", "", calls=(CALL,)))
    assert one == Message("assistant", "a", calls=(CALL, CALL))
