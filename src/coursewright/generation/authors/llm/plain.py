"""What a model writes becomes the plain text of the course: no HTML, no Markdown but `inline code`."""

import re
import unicodedata
from collections.abc import Sequence

from coursewright.course.model import BlockKind
from coursewright.tongues import identifier

_CODE = re.compile(r"(`[^`\n]+`)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>|<!--.*?-->", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style|iframe|object)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_ALIAS = re.compile(r"\s*[\[(](?:S\d+(?:\s*[,;]\s*)?)+[\])]")
_HEADING = re.compile(r"^#{1,6}\s+", re.MULTILINE)
_FENCE = re.compile(r"^\s*```[\w+-]*\n|\n?\s*```\s*$")
UNSPACED = frozenset({"ja", "zh", "th"})  # languages that write no spaces between words
_SURE_LENGTH = 120  # characters from which a language can be told


def plain(text: str, kind: BlockKind = "paragraph") -> str:
    """Return the text without markup; code keeps everything but fences and control characters."""
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") or c in "\u200c\u200d")
    if kind == "code":
        return _FENCE.sub("", text).strip("\n").rstrip()
    pieces = _CODE.split(_SCRIPT.sub("", text))
    cleaned = "".join(piece if _CODE.fullmatch(piece) else _unmarked(piece) for piece in pieces)
    if kind == "paragraph":
        return " ".join(cleaned.split())
    return "\n".join(line.rstrip() for line in cleaned.splitlines() if line.strip()).strip()


def sentences_joined(sentences: Sequence[str], language: str) -> str:
    """Return sentences as running text."""
    return ("" if language in UNSPACED else " ").join(sentences)


def other_language(text: str, language: str) -> str:
    """Return the language that a text is surely in when it is not the wanted one, else ""."""
    letters = _CODE.sub(" ", text)
    if len(letters) < _SURE_LENGTH:
        return ""
    found, _ = identifier().classify(letters)
    return "" if found == language else found


def _unmarked(text: str) -> str:
    text = _TAG.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(r"\1", text)
    return _ALIAS.sub("", _HEADING.sub("", text))


__all__ = ["UNSPACED", "other_language", "plain", "sentences_joined"]
