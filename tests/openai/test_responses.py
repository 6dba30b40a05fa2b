"""`POST /v1/responses`, whole: what comes back, and how the next one goes on from it."""

from typing import Any

from tests.openai.kept import begin, get, respond, spelled, text_of, told
from tests.support import Server
from tests.v4.support import branch, read, say


def test_an_answer_in_openai_s_shape(scripted: Server) -> None:
    answer = respond(
        scripted.http,
        "Hello there",
        model="scripted",
        metadata={"a": "b"},
        temperature=0,
        user="u",
    )
    stem = answer["id"].removeprefix("resp_")
    assert answer["object"] == "response"
    assert answer["status"] == "completed"
    assert answer["output"] == [
        {
            "id": f"msg_{stem}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": "You said: Hello there",
                    "annotations": [],
                    "logprobs": [],
                }
            ],
        }
    ]
    assert (answer["model"], answer["metadata"], answer["user"]) == ("scripted", {"a": "b"}, "u")
    assert (answer["temperature"], answer["truncation"], answer["store"]) == (0, "disabled", True)
    assert answer["error"] is answer["incomplete_details"] is answer["previous_response_id"] is None
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == 4
    assert usage["input_tokens_details"]["cached_tokens"] >= 0
    assert usage["output_tokens_details"] == {"reasoning_tokens": 0}


def test_a_response_is_read_as_it_was_answered(scripted: Server) -> None:
    for fields in (
        {},
        {"instructions": "Be brief.", "top_p": 0.5, "tools": [], "tool_choice": "none"},
        {"max_output_tokens": 2, "truncation": "auto", "safety_identifier": "s"},
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}},
    ):
        answer = respond(scripted.http, "once", **fields)
        assert get(scripted.http, f"responses/{answer['id']}") == answer


def test_the_same_conversation_as_v4_s(scripted: Server) -> None:
    answer = respond(scripted.http, "Where is the sun?")
    id_ = answer["conversation"]["id"]
    listed = scripted.http.get("/api/v4/conversations").json()["items"]
    assert (listed[0]["id"], listed[0]["title"]) == (id_, "Where is the sun?")
    assert branch(scripted, id_) == [
        ("user", "Where is the sun?", "complete"),
        ("assistant", "You said: Where is the sun?", "complete"),
    ]
    more = say(scripted, "#show=1", conversation_id=id_)
    assert more["response"] == (
        "[user: Where is the sun?][assistant: You said: Where is the sun?][user: #show=1]"
    )
    last = more["message_id"].replace("msg", "resp")
    found = get(scripted.http, f"responses/{last}")
    assert (found["status"], found["previous_response_id"]) == ("completed", answer["id"])
    assert found["usage"]["output_tokens"] == more["usage"]["completion_tokens"]
    assert text_of(found) == more["response"]


def test_a_conversation_of_v4_goes_on_with_its_system_prompt(scripted: Server) -> None:
    begun = say(scripted, "one", system_prompt="Be kind.")
    answer = respond(scripted.http, "#show=1", conversation=begun["conversation_id"])
    assert text_of(answer).startswith("[system: Be kind.][user: one][assistant: You said: one]")
    other = respond(
        scripted.http, "#show=1", conversation=begun["conversation_id"], instructions="Be short."
    )
    assert text_of(other).startswith("[system: Be short.][user: one]")
    assert read(scripted, begun["conversation_id"])["system"] == "Be kind."


def test_instructions_are_for_one_response(scripted: Server) -> None:
    first = respond(scripted.http, "#show=1", instructions="Be kind.")
    assert text_of(first) == "[system: Be kind.][user: #show=1]"
    then = respond(scripted.http, "#show=1", previous_response_id=first["id"])
    assert text_of(then) == f"[user: #show=1][assistant: {text_of(first)}][user: #show=1]"
    assert then["previous_response_id"] == first["id"]


def test_two_responses_after_the_same_one_are_branches(scripted: Server) -> None:
    first = respond(scripted.http, "one")
    left = respond(scripted.http, "left", previous_response_id=first["id"])
    right = respond(scripted.http, "right #show=1", previous_response_id=first["id"])
    assert text_of(right) == "[user: one][assistant: You said: one][user: right #show=1]"
    assert left["conversation"] == right["conversation"] == first["conversation"]
    id_ = first["conversation"]["id"]
    assert [role for role, *_ in branch(scripted, id_)] == ["user", "assistant"] * 2
    assert len(read(scripted, id_, all_branches="true")["messages"]) == 6
    again = respond(scripted.http, "#show=1", previous_response_id=left["id"])
    assert "right" not in text_of(again)


def test_in_a_conversation_by_id_or_object(scripted: Server) -> None:
    id_ = begin(scripted.http)
    one = respond(scripted.http, "one", conversation=id_)
    two = respond(scripted.http, "two", conversation={"id": id_})
    assert one["conversation"] == two["conversation"] == {"id": id_}
    assert told(scripted.http, id_) == [
        ("user", "one"),
        ("assistant", "You said: one"),
        ("user", "two"),
        ("assistant", "You said: two"),
    ]
    assert read(scripted, id_)["title"] == "one"


def test_items_of_every_kind_that_is_said(scripted: Server) -> None:
    given: list[Any] = [
        {"role": "developer", "content": "Be kind."},
        {"role": "system", "content": [{"type": "input_text", "text": "Be short."}]},
        {"role": "user", "content": "one"},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_x",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "1", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No more."},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "input_text", "text": part} for part in ("a", "#show=1")],
        },
    ]
    answer = respond(scripted.http, given)
    assert text_of(answer) == (
        "[system: Be kind.\n\nBe short.][user: one][assistant: 1\nNo more.][user: a\n#show=1]"
    )
    kept = told(scripted.http, answer["conversation"]["id"])
    assert kept[:-1] == [
        ("developer", "Be kind."),
        ("system", "Be short."),
        ("user", "one"),
        ("assistant", "1\nNo more."),
        ("user", "a\n#show=1"),
    ]
    listed = get(scripted.http, f"responses/{answer['id']}/input_items", order="asc")
    assert [spelled(item) for item in listed["data"]] == kept[:-1]
    assert read(scripted, answer["conversation"]["id"])["title"] == "one"


def test_input_items_page_newest_first(scripted: Server) -> None:
    first = respond(scripted.http, "one")
    then = respond(scripted.http, "two", previous_response_id=first["id"])
    path = f"responses/{then['id']}/input_items"
    page = get(scripted.http, path, limit=2)
    assert [spelled(item) for item in page["data"]] == [
        ("user", "two"),
        ("assistant", "You said: one"),
    ]
    assert page["has_more"] is True
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][1]["id"])
    rest = get(scripted.http, path, after=page["last_id"])
    assert ([spelled(item) for item in rest["data"]], rest["has_more"]) == (
        [("user", "one")],
        False,
    )


def test_the_last_item_of_a_conversation_is_answered_without_input(scripted: Server) -> None:
    id_ = begin(scripted.http, {"role": "user", "content": "one"})
    answer = respond(scripted.http, conversation=id_)
    assert text_of(answer) == "You said: one"
    assert len(branch(scripted, id_)) == 2
    nothing = respond(scripted.http, conversation=id_, expect=400)["error"]
    assert (nothing["code"], nothing["param"]) == ("invalid_parameter", "input")


def test_max_output_tokens_leaves_it_incomplete(scripted: Server) -> None:
    answer = respond(scripted.http, "one two three", max_output_tokens=2)
    assert (answer["status"], text_of(answer)) == ("incomplete", "You said:")
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}
    assert answer["output"][0]["status"] == "incomplete"
    assert answer["max_output_tokens"] == 2


def test_a_conversation_that_is_too_long_is_refused_or_cut(scripted: Server) -> None:
    long = "word " * 3500
    first = respond(scripted.http, long, max_output_tokens=1)
    more = {"previous_response_id": first["id"], "max_output_tokens": 1}
    error = respond(scripted.http, long, expect=400, **more)["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert respond(scripted.http, long, truncation="auto", **more)["truncation"] == "auto"


def test_nothing_is_kept_with_store_false(scripted: Server) -> None:
    first = respond(scripted.http, "one")
    count = scripted.http.get("/api/v4/conversations").json()["total"]
    answer = respond(scripted.http, "two #show=1", store=False, previous_response_id=first["id"])
    assert text_of(answer) == "[user: one][assistant: You said: one][user: two #show=1]"
    assert (answer["store"], answer["conversation"]) == (False, None)
    respond(scripted.http, "three", store=False)
    assert scripted.http.get("/api/v4/conversations").json()["total"] == count
    assert len(branch(scripted, first["conversation"]["id"])) == 2
    get(scripted.http, f"responses/{answer['id']}", expect=404)


def test_references_stand_for_kept_items(scripted: Server) -> None:
    first = respond(scripted.http, "one")
    answer = respond(
        scripted.http,
        [
            {"role": "user", "content": "zero"},
            {"type": "item_reference", "id": first["output"][0]["id"]},
            {"role": "user", "content": "#show=1"},
        ],
    )
    assert text_of(answer) == "[user: zero][assistant: You said: one][user: #show=1]"
    assert answer["conversation"] != first["conversation"]


def test_how_likely_each_token_was(scripted: Server) -> None:
    answer = respond(scripted.http, "one", top_logprobs=2, include=["message.output_text.logprobs"])
    told = answer["output"][0]["content"][0]["logprobs"]
    assert "".join(token["token"] for token in told) == text_of(answer)
    assert [len(token["top_logprobs"]) for token in told] == [2] * len(told)
    silent = respond(scripted.http, "one", top_logprobs=2)
    assert silent["output"][0]["content"][0]["logprobs"] == []
