"""Reads CSV and its relatives: fields between commas, semicolons, tabs or bars."""

import csv
import io
from collections import Counter

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.sheet import add_rows
from coursewright.errors import UnreadableDocument

_DELIMITERS = ",;\t|"
_SAMPLE = 30  # rows


def read_delimited(name: str, content: bytes) -> ReadDocument:
    """Read a table whose first row names the columns; the delimiter is the one that gives even rows."""
    builder = DocumentBuilder(name)
    text = decode(name, content, builder.warnings)
    try:
        left_out = add_rows(builder, csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise UnreadableDocument(
            name, f"it is no table of values ({error})", hint="Export it again as CSV, with quotes around texts."
        ) from error
    if left_out and not builder.has_text:
        raise UnreadableDocument(
            name,
            "it holds numbers or repeated values, not text to teach from",
            hint="Leave it out, or give a document that explains the figures.",
        )
    if left_out:
        builder.warnings.append(left_out)
    return builder.build()


def _delimiter(text: str) -> str:
    """Return the delimiter that most rows have equally often."""

    def evenness(delimiter: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for row, _ in zip(rows, range(_SAMPLE), strict=False) if len(row) > 1)
        except csv.Error:
            return (0, 0)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_DELIMITERS, key=evenness)


__all__ = ["read_delimited"]
