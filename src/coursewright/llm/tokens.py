"""How many tokens a text has, counted without a tokenizer and on the safe side.

The usual vocabularies split words off from digits (three at most), marks and line breaks first, then cut long words
into pieces of about four bytes in English, three in German, Japanese or Arabic. How far this is off for a model is
learned from what its provider counts.
"""

import json
import math
import re

from coursewright.llm.model import Request

_WORD = re.compile(r"[^\W\d_]+")
_OTHER = re.compile(r"\d{1,3}| (?=\d)|[^\w\s]|_|\n\s*")
_BYTES_A_PIECE = 3.2
_TOKENS_A_MESSAGE = 8


def at_most_tokens(text: str) -> int:
    """Return an upper estimate of the tokens of a text."""
    words = _WORD.findall(text)
    letters = "".join(words)
    size = len(letters) if letters.isascii() else len(letters.encode("utf-8", "replace"))
    # Half a piece a word for the last one, which is rarely full.
    return math.ceil(size / _BYTES_A_PIECE + len(words) / 2) + len(_OTHER.findall(text))


def at_most_input(request: Request) -> int:
    """Return an upper estimate of the input tokens of a request, its schema included."""
    schema = json.dumps(request.schema) if request.schema is not None else ""
    messages = sum(at_most_tokens(message.text) + _TOKENS_A_MESSAGE for message in request.messages)
    return messages + at_most_tokens(schema) + _TOKENS_A_MESSAGE


__all__ = ["at_most_input", "at_most_tokens"]
