"""Lists of items as OpenAI's clients page through them: by the last id that they have seen."""

from collections.abc import Sequence
from typing import Any

from app.domain.errors import SllmError
from app.openai.items import Item
from app.openai.models.conversations import ItemQuery


def page_of(items: Sequence[Item], query: ItemQuery) -> dict[str, Any]:
    """Of items in their own order. Raises SllmError `not_found` for an unknown `after`."""
    ordered = [*items] if query.order == "asc" else [*reversed(items)]
    if query.after is not None:
        places = [place for place, item in enumerate(ordered) if item["id"] == query.after]
        if not places:
            raise SllmError("not_found", "item_not_found", param="after")
        ordered = ordered[places[0] + 1 :]
    page = whole_page(ordered[: query.limit])
    return page | {"has_more": len(ordered) > query.limit}


def whole_page(items: Sequence[Item]) -> dict[str, Any]:
    """All of them."""
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": False,
    }
