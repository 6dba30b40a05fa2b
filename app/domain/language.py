"""Which languages a text is written in, as far as its script alone tells."""

import re
from collections import Counter

# Unicode blocks (Blocks.txt) of scripts that stand for one language, or few, in practice.
RANGES = {
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "ru": "\u0400-\u052f",
    "he": "\u0590-\u05ff",
    "ar": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "hi": "\u0900-\u097f",
    "th": "\u0e00-\u0e7f",
    "ja": "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d",
    "ko": "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
RUNS = {language: re.compile(f"[{ranges}]+") for language, ranges in RANGES.items()}
LETTERS = re.compile(r"[^\W\d_]+")

# A single foreign word in a long text is a quotation; from here on it is the text's language.
LEAST_SHARE = 0.2
LEAST_LETTERS = 8
# Enough to tell, and a bound on the work for a text of a megabyte.
MOST_CHARACTERS = 100_000

# Languages that share a script: claiming one of them means the script is no surprise.
RELATED = {
    "ru": {"ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tg"},
    "ar": {"ar", "fa", "ur", "ps", "ug"},
    "hi": {"hi", "mr", "ne", "sa"},
    "he": {"he", "iw", "yi"},
    "zh": {"zh", "ja", "yue"},
}


def scripts_of(text: str) -> set[str]:
    """ISO 639-1 codes of the languages whose scripts make up a real share of the letters."""
    counts = _letters_by_language(text[:MOST_CHARACTERS])
    letters = sum(map(len, LETTERS.findall(text[:MOST_CHARACTERS])))
    return {language for language, count in counts.items() if _is_share(count, letters)}


def unclaimed_language(text: str, claimed: tuple[str, ...]) -> str | None:
    """The language of `text` that is not among those that the weights claim, if there is one.

    Weights that claim nothing (an empty tuple) are never doubted.
    """
    if not claimed or text.isascii():
        return None
    known = {code.lower().partition("-")[0] for code in claimed}
    unknown = sorted(
        language for language in scripts_of(text) if not known & RELATED.get(language, {language})
    )
    return unknown[0] if unknown else None


def _letters_by_language(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for language, run in RUNS.items():
        counts[language] = sum(map(len, run.findall(text)))
    if counts["ja"]:  # Japanese is written with Chinese characters too
        counts["ja"] += counts.pop("zh")
    return counts


def _is_share(count: int, letters: int) -> bool:
    return count >= LEAST_LETTERS or (count > 0 and count >= LEAST_SHARE * letters)
