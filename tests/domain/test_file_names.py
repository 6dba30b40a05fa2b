"""File names of titles: safe on every system, and still telling."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.file_names import LONGEST_BYTES, ascii_stem, file_stem


@pytest.mark.parametrize(
    ("title", "stem", "ascii"),
    [
        ("Why is the sky blue?", "Why is the sky blue", "Why-is-the-sky-blue"),
        ("하늘은 왜 파란가요", "하늘은 왜 파란가요", "conversation"),
        ("SQL 질문 3", "SQL 질문 3", "SQL-3"),
        ("Café Größe", "Café Größe", "Cafe-Groe"),
        ("../../etc/passwd", "etc passwd", "etc-passwd"),
        ("..\\windows", "windows", "windows"),
        (".hidden", "hidden", "hidden"),
        ("CON", "conversation", "conversation"),
        ("lpt1.txt", "conversation", "conversation"),
        ("-rf", "rf", "rf"),
        ('a"b\r\nSet-Cookie: x', "a b Set-Cookie x", "a-b-Set-Cookie-x"),
        ("\u202egnp.exe", "gnp.exe", "gnp.exe"),
        ("", "conversation", "conversation"),
        ("…", "…", "conversation"),
        ("가" * 200, "가" * 40, "conversation"),
        ("100%", "100", "100"),
    ],
)
def test_stems(title: str, stem: str, ascii: str) -> None:
    assert (file_stem(title), ascii_stem(title)) == (stem, ascii)


@given(st.text(max_size=300))
def test_every_title_has_a_safe_name(title: str) -> None:
    stem = file_stem(title)
    assert 0 < len(stem.encode()) <= LONGEST_BYTES
    assert not re.search(r'[\x00-\x1f\\/:*?"<>|]', stem)
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", ascii_stem(title))
