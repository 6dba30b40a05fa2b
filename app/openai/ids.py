"""Ids of responses and items, each made of the id of the message that is kept.

`resp_X` is the response whose answer is the message `msg_X`; a message's other items have its
random part too: `rs_X` what was thought, `fc_X_0` the first call, `fco_X` the result of one.
"""

import re

from msgspec import Struct

from app.domain.errors import SllmError

_RESPONSE = re.compile(r"resp_([0-9a-f]{32})")
_ITEM = re.compile(r"(?P<kind>msg|rs|fc|fco)_(?P<stem>[0-9a-f]{32})(?:_(?P<place>[0-9]{1,4}))?")


class ItemId(Struct, frozen=True):
    """An item's id taken apart; `place` counts the calls of a message."""

    kind: str
    message_id: str
    place: int = 0


def stem_of(message_id: str) -> str:
    """The random part of an id."""
    return message_id.partition("_")[2]


def response_id(message_id: str) -> str:
    return f"resp_{stem_of(message_id)}"


def message_id_of(response_id: str, param: str | None = None) -> str:
    """Raises SllmError `not_found` for what is no id of a response."""
    found = _RESPONSE.fullmatch(response_id)
    if found is None:
        raise SllmError("not_found", "response_not_found", param=param)
    return f"msg_{found[1]}"


def item_id_of(text: str, param: str | None = None) -> ItemId:
    """Raises SllmError `not_found` for what is no id of an item."""
    found = _ITEM.fullmatch(text)
    if found is None or (found["place"] is not None) != (found["kind"] == "fc"):
        raise SllmError("not_found", "item_not_found", param=param)
    return ItemId(found["kind"], f"msg_{found['stem']}", int(found["place"] or 0))


def call_item_id(stem: str, place: int) -> str:
    return f"fc_{stem}_{place}"
