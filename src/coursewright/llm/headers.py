"""What the headers of a response say of the provider's limits, in one form for all vendors.

Sources: OpenAI, "Rate limits" (x-ratelimit-…, durations such as 6m0s); Anthropic, "Rate limits"
(anthropic-ratelimit-…, reset as an RFC 3339 time); RFC 9110, 10.2.3 (Retry-After).
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from coursewright.llm.model import Bucket, ReportedLimits

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_WAIT = 86_400.0
_DURATION = re.compile(r"([\d.]+)(ms|s|m|h|d)")


def reported_limits(headers: Mapping[str, str], now: datetime | None = None) -> ReportedLimits | None:
    """Read limits from headers with lower-case names; None when there are none. `now` is for times of day; default: by
    the sender's own clock, where it says what that shows.
    """
    now = now or _now(headers)
    found = ReportedLimits(_bucket(headers, "requests", now), _bucket(headers, "tokens", now))
    return None if found == ReportedLimits() else found


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that Retry-After (or retry-after-ms) asks to wait, at most a day; None: it says nothing."""
    value = headers.get("retry-after", "")
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        seconds = milliseconds / 1000
    elif (plain := _number(value)) is not None:
        seconds = plain
    else:
        try:
            seconds = (parsedate_to_datetime(value) - (now or _now(headers))).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(0.0, seconds), _LONGEST_WAIT)


def _now(headers: Mapping[str, str]) -> datetime:
    """Return what the sender's clock shows, so that it does not matter how far off ours is."""
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)


def _bucket(headers: Mapping[str, str], what: str, now: datetime) -> Bucket:
    def first(*names: str) -> str | None:
        return next((headers[name] for name in names if name in headers), None)

    def either(word: str) -> str | None:
        return first(f"x-ratelimit-{word}-{what}", f"anthropic-ratelimit-{what}-{word}")

    return Bucket(_number(either("limit")), _number(either("remaining")), _seconds(either("reset"), now))


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is None or math.isfinite(number) else None


def _seconds(value: str | None, now: datetime) -> float | None:
    if value is None:
        return None
    if (plain := _number(value)) is not None:
        return plain
    if parts := _DURATION.findall(value):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return max(0.0, (datetime.fromisoformat(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None


__all__ = ["reported_limits", "retry_after"]
