"""Headers of two vendors in one form."""

from datetime import UTC, datetime

import pytest

from coursewright.llm.headers import reported_limits, retry_after
from coursewright.llm.model import Bucket, ReportedLimits

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def test_limits_of_openai() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "400000",
        "x-ratelimit-remaining-tokens": "398000",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert reported_limits(headers) == ReportedLimits(Bucket(500, 499, 0.12), Bucket(400000, 398000, 360))


def test_limits_of_anthropic() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-25T12:00:02Z",
    }
    assert reported_limits(headers, NOW) == ReportedLimits(requests=Bucket(50, 49, 2))


def test_headers_that_say_nothing() -> None:
    assert reported_limits({"content-type": "application/json"}) is None
    assert reported_limits({"x-ratelimit-limit-requests": "many"}) is None


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e12"}, 86_400),
    ],
    ids=["none", "seconds", "past", "milliseconds", "date", "nonsense", "infinite", "for ever"],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_times_are_read_by_the_senders_clock() -> None:
    """Our own may be hours off."""
    date = "Sun, 01 Nov 2020 08:00:00 GMT"
    assert retry_after({"date": date, "retry-after": "Sun, 01 Nov 2020 08:00:30 GMT"}) == 30
    reset = {"anthropic-ratelimit-tokens-reset": "2020-11-01T08:00:02Z", "anthropic-ratelimit-tokens-limit": "50"}
    assert reported_limits({"date": date} | reset) == ReportedLimits(tokens=Bucket(50, None, 2))
    assert retry_after({"date": "soon", "retry-after": "Sun, 01 Nov 2020 08:00:30 GMT"}) == 0
