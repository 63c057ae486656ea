"""Identifiers that are derived, never drawn: the same content in the same place has the same id in every run."""

import hashlib


def derive_id(prefix: str, *parts: object) -> str:
    """Return `prefix` and the first 12 hexadecimal digits of the SHA-256 of `parts` (joined by U+001F)."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()
    return f"{prefix}{digest[:12]}"
