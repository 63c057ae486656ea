"""Text that grows piece by piece: white space folded, `inline code` between backticks, marked terms remembered."""

import re
from dataclasses import dataclass, replace

from coursewright.documents.passages import TermKind

_CJK = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
_BROKEN_CJK = re.compile(f"(?<=[{_CJK}])[ \t]*\n[ \t\n]*(?=[{_CJK}])")  # a line break between ideographs is no space
_SPACES = re.compile(r"\s+")
_DEEPEST = 32  # marked terms inside each other
# U+202D and U+202E turn what follows around, beyond the end of the text in which they stand.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\u00ad\u200b\u202d\u202e\u2060\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A term at `text[start:end]` of one block, with the offsets of its definition in the same block, if marked."""

    kind: TermKind
    start: int
    end: int
    definition: tuple[int, int] | None = None

    def moved(self, by: int) -> "Mark":
        """Return the mark, `by` characters further on."""
        definition = self.definition and (self.definition[0] + by, self.definition[1] + by)
        return replace(self, start=self.start + by, end=self.end + by, definition=definition)


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished run of text with its marks."""

    text: str
    marks: tuple[Mark, ...] = ()


def clean(text: str) -> str:
    """Drop characters that nobody sees."""
    return _INVISIBLE.sub("", text)


def unseen(text: str) -> bool:
    """Tell whether there are such characters."""
    return _INVISIBLE.search(text) is not None


def fold(text: str) -> str:
    """Return `text` on one line with single spaces."""
    return _SPACES.sub(" ", _BROKEN_CJK.sub("", clean(text))).strip()


class Inline:
    """Collects one block's text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._after_space = True
        self._open: list[tuple[TermKind, int]] = []
        self._deeper = 0  # terms that were begun inside too many others to be marked
        self._marks: list[Mark] = []
        self._code: list[str] | None = None
        self._code_depth = 0

    def write(self, text: str) -> None:
        """Append running text."""
        if self._code is not None:
            self._code.append(text)
            return
        folded = _SPACES.sub(" ", _BROKEN_CJK.sub("", clean(text)))
        if self._after_space:
            folded = folded.lstrip(" ")
        self._append(folded)

    def line_break(self) -> None:
        """Append a line break that the author wanted."""
        if self._code is not None:
            self._code.append(" ")
        elif self._length and self._parts[-1] != "\n":
            self._append("\n")

    def _append(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)
            self._after_space = text[-1] in " \n"

    def open(self, kind: TermKind) -> None:
        """Begin a marked term; tags that nobody closes nest without end, and each block begins them all again."""
        if len(self._open) < _DEEPEST:
            self._open.append((kind, self._length))
        else:
            self._deeper += 1

    def close(self) -> None:
        """End the innermost marked term."""
        if self._deeper:
            self._deeper -= 1
        elif self._open:
            kind, start = self._open.pop()
            if self._length > start:
                self._marks.append(Mark(kind, start, self._length))

    def open_code(self) -> None:
        """Begin inline code; nested code stays one piece."""
        self._code_depth += 1
        if self._code is None:
            self._code = []

    def close_code(self) -> None:
        """End inline code."""
        self._code_depth = max(0, self._code_depth - 1)
        if self._code_depth or self._code is None:
            return
        raw, self._code = "".join(self._code), None
        code = fold(raw)
        if raw[:1].isspace():
            self.write(" ")
        if code:
            self._append(code if "`" in code else f"`{code}`")
        if raw[-1:].isspace():
            self.write(" ")

    @property
    def blank(self) -> bool:
        """Tell whether nothing has been written."""
        return not self._length and not self._code

    def take(self) -> Piece:
        """Return what was collected and start anew; open terms begin again."""
        self._code_depth = min(self._code_depth, 1)
        was_code = self._code is not None
        self.close_code()
        while_open, deeper = [kind for kind, _ in self._open], self._deeper
        self._deeper = 0
        while self._open:
            self.close()
        whole = "".join(self._parts)
        text = whole.rstrip()
        shift = len(text) - len(text.lstrip())
        text = text.lstrip()
        marks = []
        for mark in self._marks:
            start, end = max(0, mark.start - shift), min(len(text), mark.end - shift)
            while start < end and text[start].isspace():
                start += 1
            while end > start and text[end - 1].isspace():
                end -= 1
            if start < end:
                marks.append(Mark(mark.kind, start, end))
        self.__init__()  # type: ignore[misc]  # the same object is filled again
        for kind in while_open:
            self.open(kind)
        self._deeper = deeper
        if was_code:
            self.open_code()
        return Piece(text, tuple(sorted(marks, key=lambda mark: (mark.start, mark.end))))


def join_lines(pieces: list[Piece]) -> Piece:
    """Join pieces to one text, one a line."""
    marks: list[Mark] = []
    offset = 0
    for piece in pieces:
        marks += [mark.moved(offset) for mark in piece.marks]
        offset += len(piece.text) + 1
    return Piece("\n".join(piece.text for piece in pieces), tuple(marks))


__all__ = ["Inline", "Mark", "Piece", "clean", "fold", "join_lines", "unseen"]
