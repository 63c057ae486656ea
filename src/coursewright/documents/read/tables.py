"""Pipe tables: rows of cells in, text with a header rule out; long ones in parts that repeat the header."""

from collections.abc import Iterator, Sequence

from coursewright.documents.read.languages import count_words


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table whose first row is the header; short rows are filled up."""
    width = max(map(len, rows), default=0)
    lines = ["| " + " | ".join(_cell(cell) for cell in [*row, *[""] * (width - len(row))]) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\|", "|").replace("|", "\\|")


def table_parts(rows: Sequence[Sequence[str]], *, words: int = 350) -> Iterator[str]:
    """Yield pipe tables of at most about `words` words, each with the header row of `rows`.

    The bars count as words, as they do for `split`, which would cut a longer part without its header.
    """
    header, count = rows[0], 0
    part: list[Sequence[str]] = []
    for row in rows[1:]:
        size = count_words(" ".join(row)) + len(row) + 1
        if part and count + size > words:
            yield pipe_table([header, *part])
            part, count = [], 0
        part.append(row)
        count += size
    yield pipe_table([header, *part])


__all__ = ["pipe_table", "table_parts"]
