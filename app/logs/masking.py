"""Blots out secrets that may slip into a log record, with an error of a library for example."""

import re

MASK = "***"
_SECRETS = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+(?=@)"
    r"|(?P<header>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}"
    r"|\bsllm_[A-Za-z0-9_-]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|(?P<named>\b(?:password|passwd|secret|api[_-]?key|token)['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """`text` without passwords of addresses, keys, tokens, and what follows `password=`."""
    return _SECRETS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    return next((kept for kept in found.groups() if kept is not None), "") + MASK
