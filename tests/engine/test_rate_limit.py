"""Requests per minute and client."""

import pytest

from app.domain.errors import SllmError
from app.engine.rate_limit import RateLimit


def test_no_limit_lets_everything_through() -> None:
    limit = RateLimit(None)
    for _ in range(1000):
        limit.take("a", now=0.0)


def test_one_too_many_is_refused_with_the_seconds_until_the_next() -> None:
    limit = RateLimit(60)
    for _ in range(60):
        limit.take("a", now=100.0)
    with pytest.raises(SllmError) as caught:
        limit.take("a", now=100.0)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 1)
    limit.take("a", now=101.0)


def test_clients_do_not_share_a_bucket() -> None:
    limit = RateLimit(1)
    limit.take("a", now=0.0)
    limit.take("b", now=0.0)


def test_a_slow_limit_tells_a_long_wait() -> None:
    limit = RateLimit(1)
    limit.take("a", now=0.0)
    with pytest.raises(SllmError) as caught:
        limit.take("a", now=20.0)
    assert caught.value.retry_after == 40
