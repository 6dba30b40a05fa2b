"""Conversations that the server keeps, seen from a chat: listed, opened, saved, counted."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from app.commands.chat.screen import clean
from app.commands.chat.session import API, Session
from app.commands.chat.told import CommandError, expanded
from app.commands.output import plain_table
from app.commands.words import say

SHOWN = 20
# Of an opened conversation, the messages that are shown again.
RECALLED = 6
FORMATS = {".md": "markdown", ".markdown": "markdown", ".json": "json"}


def show_list(session: Session, console: Console, words: str) -> None:
    """The newest conversations, those with `words` only, numbered for `/open`."""
    query = {"q": words} if words else {}
    page = session.client.get(f"{API}/conversations", page_size=SHOWN, **query)
    session.listed = page["items"]
    if not page["items"]:
        console.print(say("chat_list_empty"), style="dim")
        return
    names = (say("chat_list_title"), say("chat_list_messages"), say("chat_list_time"))
    table = plain_table("#", *names)
    for number, each in enumerate(page["items"], 1):
        mark = "*" if each["id"] == session.conversation else ""
        when = each["updated_at"][:16].replace("T", " ")
        table.add_row(f"{number}{mark}", clean(each["title"]), str(each["message_count"]), when)
    console.print(table)
    if page["total"] > len(page["items"]):
        console.print(say("chat_list_more", total=page["total"]), style="dim")


def reopen(session: Session, console: Console, argument: str) -> None:
    """Go on with a conversation by its number in the list, or by its id."""
    found = session.open(_id(session, argument))
    console.rule(clean(found["title"]))
    for message in found["messages"][-RECALLED:]:
        if message["role"] == "user":
            console.print(f"> {clean(message['content'])}", style="bold")
        else:
            console.print(Markdown(clean(message["content"])))
        console.print()


def _id(session: Session, argument: str) -> str:
    if argument.isdecimal() and 0 < int(argument) <= len(session.listed):
        found: str = session.listed[int(argument) - 1]["id"]
        return found
    if not argument.startswith("conv_") or not argument.replace("_", "").isalnum():
        raise CommandError(say("chat_open_usage"))
    return argument


def save(session: Session, argument: str) -> Path:
    """Write the conversation to a new file; its ending says how. Raises CommandError."""
    if session.conversation is None:
        raise CommandError(say("chat_nothing_yet"))
    path = expanded(argument)
    if not argument or path.suffix.lower() not in FORMATS:
        raise CommandError(say("chat_save_usage"))
    kind = FORMATS[path.suffix.lower()]
    text = session.client.text(f"{API}/conversations/{session.conversation}/export", format=kind)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(say("chat_save_exists", file=path.name)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(say("chat_save_failed", file=path.name, reason=reason)) from None
    return path


def system_prompt(session: Session) -> str:
    """What the model is told from the next message on; a template by its name."""
    if "system_prompt" in session.setup:
        return str(session.setup["system_prompt"])
    if "template" in session.setup:
        return f"/template {session.setup['template']}"
    if session.conversation is None:
        return ""
    found = session.client.get(f"{API}/conversations/{session.conversation}")
    return str(found.get("system") or "")


def show_stats(session: Session, console: Console) -> None:
    """Of the last whole answer. Raises CommandError where there is none."""
    if session.last is None:
        raise CommandError(say("chat_nothing_yet"))
    table = plain_table()
    for name, value in _rows(session.last):
        table.add_row(say(f"chat_stats_{name}"), value)
    console.print(table)


def _rows(done: dict[str, Any]) -> list[tuple[str, str]]:
    usage, timings, context = done["usage"], done["timings"], done["context"]
    speed = timings["tokens_per_second"]
    return [
        ("model", clean(str(done["model"]))),
        ("prompt", f"{usage['prompt_tokens']} ({usage['cached_tokens']})"),
        ("answer", f"{usage['completion_tokens']} ({done['finish_reason']})"),
        ("speed", "-" if speed is None else f"{speed:.1f}/s"),
        ("first", f"{timings['first_token_ms'] or 0:.0f} ms"),
        ("queue", f"{timings['queue_ms'] or 0:.0f} ms"),
        ("window", f"{usage['total_tokens']} / {context['window']}"),
        ("dropped", str(context["dropped_messages"])),
    ]
