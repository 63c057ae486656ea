"""Signs as QStash documents it, with the standard library alone: the service checks it with the code of others."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

CURRENT, NEXT = "sig_current_0123456789abcdefghij", "sig_next_0123456789abcdefghijklm"


def signature(body: bytes, url: str, key: str = CURRENT, *, seconds: int = 0, **claims: Any) -> dict[str, str]:
    """Return the headers of a message to `url`, signed so many seconds from now; `claims` replace what is told."""
    now = int(time.time()) + seconds
    told = {
        "iss": "Upstash",
        "sub": url,
        "nbf": now,
        "iat": now,
        "exp": now + 300,
        "jti": "jwt_1",
        "body": _encoded(hashlib.sha256(body).digest()),
    }
    parts = ({"alg": "HS256", "typ": "JWT"}, told | claims)
    signed = ".".join(_encoded(json.dumps(each).encode()) for each in parts)
    digest = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return {"Upstash-Signature": f"{signed}.{_encoded(digest)}", "Content-Type": "application/json"}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


__all__ = ["CURRENT", "NEXT", "signature"]
