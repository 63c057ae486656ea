"""What no text or JSON column of Postgres takes."""

import re

NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")  # U+0000, and halves of surrogate pairs

__all__ = ["NOT_STORABLE"]
