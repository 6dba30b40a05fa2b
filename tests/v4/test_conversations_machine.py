"""Two owners do anything to their conversations, in any order; a dict says what must come of it.

TEST_OWNER_STEPS sets how many steps there are (300; a release is tried with 5000).
"""

import os
from dataclasses import dataclass, field
from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.v4.owners import Owners
from tests.v4.transfers import PATH, brought, lines, plain, taken

STEPS = int(os.environ.get("TEST_OWNER_STEPS", "300"))
STEPS_OF_A_RUN = 50
WORDS = ("하늘", "바다", "sky", "ocean's", '"100%"')
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
LABELS = st.dictionaries(st.sampled_from(["k", "팀"]), st.sampled_from(["a", "b"]))
OWNERS = st.sampled_from(["mine", "hers"])


@dataclass
class Message:
    """A message as it must be; parents by id."""

    parent: str | None
    role: str
    content: str


@dataclass
class Talk:
    """A conversation as it must be."""

    owner: str
    title: str
    labels: dict[str, str]
    messages: dict[str, Message] = field(default_factory=dict)
    current: str | None = None

    def branch(self) -> list[str]:
        """Texts from the root to the current message."""
        found, place = [], self.current
        while place is not None:
            found.append(self.messages[place].content)
            place = self.messages[place].parent
        return found[::-1]

    def holds(self, words: str) -> bool:
        """Whether a search for all of `words` finds it: in one text, wherever they begin."""
        texts = [self.title, *(message.content for message in self.messages.values())]
        return any(all(word in text.split() for word in words.split()) for text in texts)


class Machine(RuleBasedStateMachine):
    """Everything goes through HTTP; `talks` is what must be there, by id."""

    owners: Owners
    ids = Bundle("ids")

    @initialize()
    def empty(self) -> None:
        self.talks: dict[str, Talk] = {}
        for name in ("mine", "hers"):
            assert self.client(name).delete(f"{PATH}?confirm=all").status_code == 200

    def client(self, name: str) -> httpx.Client:
        client: httpx.Client = getattr(self.owners, name)
        return client

    def own(self, name: str) -> dict[str, Talk]:
        return {id_: talk for id_, talk in self.talks.items() if talk.owner == name}

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body, or None for 404; nothing else is right."""
        answer = self.client(name).request(method, path, json=body)
        assert answer.status_code in (200, 204, 404), answer.text
        return None if answer.status_code == 404 else answer.json() if answer.content else {}

    def known(self, name: str, id_: str) -> bool:
        return id_ in self.talks and self.talks[id_].owner == name

    def learn(self, name: str, id_: str) -> None:
        """Of a new conversation, the messages and their ids."""
        told = taken(self.client(name), id_)
        messages = {
            m["id"]: Message(m["parent_id"], m["role"], m["content"]) for m in told["messages"]
        }
        talk = Talk(name, told["title"], told["metadata"], messages, told["current_message_id"])
        self.talks[id_] = talk

    @rule(target=ids, name=OWNERS, texts=st.lists(TEXTS, max_size=3), title=TEXTS, labels=LABELS)
    def bring(self, name: str, texts: list[str], title: str, labels: dict[str, str]) -> Any:
        [id_] = brought(self.client(name), plain(*texts, title=title, metadata=labels))
        self.learn(name, id_)
        talk = self.talks[id_]
        assert (talk.title, talk.labels, talk.branch()) == (title, labels, texts)
        return id_

    @rule(target=ids, name=OWNERS, text=TEXTS, labels=LABELS)
    def begin(self, name: str, text: str, labels: dict[str, str]) -> Any:
        told = self.call(name, "POST", "/api/v4/chat", {"message": text, "metadata": labels})
        self.learn(name, told["conversation_id"])
        talk = self.talks[told["conversation_id"]]
        assert (talk.title, talk.labels) == (text, labels)
        assert talk.branch() == [text, told["response"]]
        return told["conversation_id"]

    @rule(name=OWNERS, id_=ids, text=TEXTS)
    def go_on(self, name: str, id_: str, text: str) -> None:
        body = {"message": text, "conversation_id": id_}
        told = self.call(name, "POST", "/api/v4/chat", body)
        assert (told is not None) == self.known(name, id_)
        if told:
            talk = self.talks[id_]
            talk.messages[told["parent_id"]] = Message(talk.current, "user", text)
            answer = Message(told["parent_id"], "assistant", told["response"])
            talk.messages[told["message_id"]] = answer
            talk.current = told["message_id"]

    @rule(name=OWNERS, id_=ids, title=TEXTS, labels=LABELS)
    def change(self, name: str, id_: str, title: str, labels: dict[str, str]) -> None:
        told = self.call(name, "PATCH", f"{PATH}/{id_}", {"title": title, "metadata": labels})
        assert (told is not None) == self.known(name, id_)
        if told:
            self.talks[id_].title, self.talks[id_].labels = title, labels

    @rule(name=OWNERS, id_=ids, data=st.data())
    def switch(self, name: str, id_: str, data: st.DataObject) -> None:
        every = [message for talk in self.talks.values() for message in talk.messages]
        message = data.draw(st.sampled_from(every or ["msg_" + "0" * 32]))
        told = self.call(name, "PATCH", f"{PATH}/{id_}", {"current_message_id": message})
        known = self.known(name, id_) and message in self.talks[id_].messages
        assert (told is not None) == known
        if told:
            self.talks[id_].current = message

    @rule(name=OWNERS, id_=ids, data=st.data(), text=TEXTS)
    def edit(self, name: str, id_: str, data: st.DataObject, text: str) -> None:
        every = [message for talk in self.talks.values() for message in talk.messages]
        message = data.draw(st.sampled_from(every or ["msg_" + "0" * 32]))
        path = f"{PATH}/{id_}/messages/{message}"
        told = self.call(name, "PATCH", path, {"content": text})
        known = self.known(name, id_) and message in self.talks[id_].messages
        assert (told is not None) == known
        if told:
            talk = self.talks[id_]
            old = talk.messages[message]
            assert (told["parent_id"], told["role"]) == (old.parent, old.role)
            talk.messages[told["id"]] = Message(old.parent, old.role, text)
            talk.current = told["id"]

    @rule(target=ids, name=OWNERS, id_=ids)
    def copy(self, name: str, id_: str) -> Any:
        """What one owner may export, the other may import."""
        told = self.call(name, "GET", f"{PATH}/{id_}/export")
        assert (told is not None) == self.known(name, id_)
        if told is None:
            return multiple()
        other = "hers" if name == "mine" else "mine"
        [copy] = brought(self.client(other), told)
        self.learn(other, copy)
        assert self.talks[copy].branch() == self.talks[id_].branch()
        assert len(self.talks[copy].messages) == len(self.talks[id_].messages)
        return copy

    @rule(name=OWNERS, id_=consumes(ids))
    def remove(self, name: str, id_: str) -> None:
        told = self.call(name, "DELETE", f"{PATH}/{id_}")
        assert (told is not None) == self.known(name, id_)
        if told is not None:
            del self.talks[id_]

    @rule(name=OWNERS, words=TEXTS, labels=LABELS)
    def search(self, name: str, words: str, labels: dict[str, str]) -> None:
        query = {"q": words, "page_size": "100"}
        query |= {f"metadata.{key}": value for key, value in labels.items()}
        answer = self.client(name).get(PATH, params=query).json()
        found = {item["id"]: item for item in answer["items"]}
        wanted = {
            id_: talk
            for id_, talk in self.own(name).items()
            if talk.holds(words) and labels.items() <= talk.labels.items()
        }
        assert found.keys() == wanted.keys()
        assert answer["total"] == len(wanted)
        for id_, talk in wanted.items():
            assert found[id_]["message_count"] == len(talk.messages)
            assert (found[id_]["title"], found[id_]["metadata"]) == (talk.title, talk.labels)

    @rule(name=OWNERS, id_=ids)
    def look(self, name: str, id_: str) -> None:
        told = self.call(name, "GET", f"{PATH}/{id_}")
        assert (told is not None) == self.known(name, id_)
        if told:
            assert [m["content"] for m in told["messages"]] == self.talks[id_].branch()
            assert told["current_message_id"] == self.talks[id_].current

    @rule(name=OWNERS)
    def export_all(self, name: str) -> None:
        assert {each["id"] for each in lines(self.client(name))} == self.own(name).keys()

    @invariant()
    def nothing_else_is_there(self) -> None:
        for name in ("mine", "hers") if hasattr(self, "talks") else ():
            total = self.client(name).get(PATH, params={"page_size": 1}).json()["total"]
            assert total == len(self.own(name))


def test_two_owners_do_anything(owners: Owners) -> None:
    Machine.owners = owners
    profile = settings(
        max_examples=max(1, STEPS // STEPS_OF_A_RUN),
        stateful_step_count=STEPS_OF_A_RUN,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=profile)
    for client in (owners.mine, owners.hers):
        client.delete(f"{PATH}?confirm=all")
