"""Languages by script: what counts as one, and what does not."""

import pytest

from app.domain.language import scripts_of, unclaimed_language


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("Hello there", set()),
        ("", set()),
        ("12345 !?", set()),
        ("안녕하세요", {"ko"}),
        ("네", {"ko"}),
        ("What does 정 mean in this long English sentence?", set()),
        ("Translate this for me, please: 오늘 날씨가 정말 좋네요", {"ko"}),
        ("日本語で話してください", {"ja"}),
        ("你好,世界", {"zh"}),
        ("大韓民國 만세, 대한민국은 민주공화국이다", {"ko", "zh"}),
        ("Привет, как дела?", {"ru"}),
        ("مرحبا", {"ar"}),
        ("สวัสดี", {"th"}),
        ("नमस्ते", {"hi"}),
        ("Γειά σου", {"el"}),
        ("שלום", {"he"}),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", {"ko"}),  # decomposed Hangul
    ],
)
def test_scripts(text: str, languages: set[str]) -> None:
    assert scripts_of(text) == languages


@pytest.mark.parametrize(
    ("text", "claimed", "language"),
    [
        ("안녕하세요", ("en",), "ko"),
        ("안녕하세요", ("en", "ko"), None),
        ("안녕하세요", ("ko-KR",), None),
        ("안녕하세요", (), None),
        ("Hello", ("ko",), None),
        ("漢字", ("ja",), None),
        ("Привіт", ("uk",), None),
        ("café über", ("en",), None),
    ],
)
def test_unclaimed(text: str, claimed: tuple[str, ...], language: str | None) -> None:
    assert unclaimed_language(text, claimed) == language
