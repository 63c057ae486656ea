"""The session cookie of Supabase's browser libraries: `sb-<ref>-auth-token`, whole or in parts `.0`, `.1`, …

Its value is the session as JSON, plain or `base64-` and base64url; older libraries keep a list that begins with the
access token.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

_NAME = re.compile(r"(sb-[\w-]+-auth-token)(?:\.(\d{1,2}))?")
_MARK = "base64-"


def access_token(cookies: Mapping[str, str]) -> str | None:
    """Return the access token in a request's cookies, or None."""
    parts: dict[str, dict[int, str]] = {}
    for name, value in cookies.items():
        if match := _NAME.fullmatch(name):
            parts.setdefault(match[1], {})[int(match[2] or 0)] = value
    for numbered in parts.values():
        token = _token(unquote("".join(numbered[number] for number in sorted(numbered))))
        if token:
            return token
    return None


def _token(text: str) -> str | None:
    try:
        if text.startswith(_MARK):
            coded = text.removeprefix(_MARK)
            text = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
        session = json.loads(text)
    except (ValueError, binascii.Error, RecursionError):
        return None
    if isinstance(session, list) and session:
        session = {"access_token": session[0]}
    token = session.get("access_token") if isinstance(session, dict) else None
    return token if isinstance(token, str) and token.isascii() else None


__all__ = ["access_token"]
