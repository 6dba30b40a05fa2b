"""Notices, which travel as keys and values, as sentences for people."""

from collections.abc import Iterable

from app.domain.model_info import Notice
from app.i18n import translate


def words(notices: Iterable[Notice], language: str) -> list[str]:
    """Each notice in `language`. A value named `language` is itself a key."""
    return [_sentence(notice, language) for notice in notices]


def _sentence(notice: Notice, language: str) -> str:
    values = dict(notice.values)
    if "language" in values:
        values["language"] = translate(str(values["language"]), language)
    return translate(notice.text, language, **values)
