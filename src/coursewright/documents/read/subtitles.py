"""Reads subtitles (WebVTT, SRT): what is said as sentences and paragraphs, each with the time at which it begins."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.inline import fold
from coursewright.documents.read.languages import count_words, primary
from coursewright.errors import UnreadableDocument

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG = re.compile(r"</?(?:[a-zA-Z]|\d)[^>]*>|\{\\[^}]*\}")  # also karaoke times, and SubStation's {\an8}
_SPEAKER = re.compile(r"^(?:>>\s*)?((?:[A-Z][\w.'’-]*|[A-Z]{2,})(?: [A-Z][\w.'’-]*){0,2}|SPEAKER \d+):\s+(?=\S)")
_CHANGE = re.compile(r"^(?:>>+|[-–—])\s*(?=\S)")  # somebody else speaks, who is not said
_SOUND = re.compile(r"\[[^\]]{1,40}\]|^\([^)]{1,40}\)$|[♪♫]+[^♪♫]*[♪♫]+|[♪♫]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|(?<=[。！？])(?=\S)")
_ENDS = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")

_PAUSE = 3.0  # seconds of silence after which a new paragraph begins
_ENOUGH = 70  # words after which a paragraph ends with its sentence
_TOO_MANY = 120  # words after which it ends with its cue: machine-made subtitles have no full stops


@dataclass(frozen=True, slots=True)
class Cue:
    """What a file shows from `start` to `end` (seconds): its lines, with their tags."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence or a part of one; `who` is None when nobody is named, "" when the speaker changed namelessly."""

    start: float
    end: float
    who: str | None
    text: str


def read_vtt(name: str, content: bytes) -> ReadDocument:
    """Read WebVTT (W3C); a file without its header is read as SRT."""
    import webvtt

    builder = DocumentBuilder(name)
    text = decode(name, content, builder.warnings)
    if not text.startswith("WEBVTT"):
        return _build(builder, _srt_cues(text), "WebVTT")
    parsed = webvtt.from_string(text)
    language = next((line.partition(":")[2] for line in parsed.metadata if line.startswith("Language:")), "")
    builder.language = primary(language)
    return _build(
        builder,
        [
            Cue(
                one.start_time.in_milliseconds() / 1000,
                one.end_time.in_milliseconds() / 1000,
                tuple(one.raw_text.split("\n")),
            )
            for one in parsed.captions
        ],
        "WebVTT",
    )


def read_srt(name: str, content: bytes) -> ReadDocument:
    """Read SubRip; cues that are garbled are passed over."""
    builder = DocumentBuilder(name)
    return _build(builder, _srt_cues(decode(name, content, builder.warnings)), "SRT")


def _srt_cues(text: str) -> list[Cue]:
    import srt

    return [
        Cue(one.start.total_seconds(), one.end.total_seconds(), tuple(one.content.split("\n")))
        for one in srt.parse(text, ignore_errors=True)
    ]


def _build(builder: DocumentBuilder, cues: list[Cue], kind: str) -> ReadDocument:
    if not cues:
        raise UnreadableDocument(
            builder.name, f"there are no {kind} cues in it", hint="Export the subtitles again, as WebVTT or SRT."
        )
    cues.sort(key=lambda cue: cue.start)
    for paragraph in _paragraphs(list(_said(list(_without_repeats(cues))))):
        builder.time_code = _time_code(paragraph[0].start)
        text = _joined([one.text for one in paragraph])
        builder.add("paragraph", f"{paragraph[0].who}: {text}" if paragraph[0].who else text)
    return builder.build()


def _without_repeats(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Yield cues with the lines that are new in each: rolling captions show a line again while the next one grows."""
    shown: list[str] = []
    until = 0.0
    for cue in cues:
        lines = [line for line in cue.lines if _plain(line)]
        texts = [_plain(line) for line in lines]
        if cue.start > until + 0.5:
            shown = []
        known = next((n for n in range(len(texts), 0, -1) if shown[-n:] == texts[:n]), 0)
        grown = 0
        if known < len(texts) and shown and known == 0 and texts[0].startswith(shown[-1]):
            grown = len(shown[-1])
        fresh = lines[known:]
        if grown:
            fresh[0] = texts[0][grown:]
        if fresh and any(map(str.strip, fresh)):
            yield Cue(cue.start, cue.end, tuple(fresh))
        if texts:
            shown, until = texts, max(until, cue.end)


def _plain(line: str) -> str:
    return fold(html.unescape(_TAG.sub("", line)))


def _said(cues: Sequence[Cue]) -> Iterator[_Said]:
    """Yield the parts of sentences in the order in which they are said."""
    for cue in cues:
        for who, text in _voices(cue.lines):
            for part in _SENTENCE_END.split(text):
                if part.strip():
                    yield _Said(cue.start, cue.end, who, part.strip())


def _voices(lines: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    """Yield who speaks and what, for each speaker of a cue."""
    who: str | None = None
    text = ""
    for raw in lines:
        voice = _VOICE.search(raw)
        line = fold(_SOUND.sub(" ", _plain(raw)))
        new: str | None = fold(html.unescape(voice[1])) if voice else None
        if new is None and (named := _SPEAKER.match(line)):
            new, line = named[1], line[named.end() :]
        elif new is None and (change := _CHANGE.match(line)):
            new, line = "", line[change.end() :]
        if new is not None:
            if text:
                yield who, text
            who, text = new, ""
        text = _joined([text, line]) if text else line
    if text:
        yield who, text


def _paragraphs(said: Sequence[_Said]) -> Iterator[list[_Said]]:
    """Group what is said; a name is kept where the speaker changes only."""
    paragraph: list[_Said] = []
    size = 0
    speaker: str | None = None
    for one in said:
        new_voice = one.who is not None and (one.who != speaker or one.who == "")
        if paragraph:
            ended = bool(_ENDS.search(paragraph[-1].text))
            silent = one.start - paragraph[-1].end > _PAUSE
            full = (ended and size >= _ENOUGH) or (size >= _TOO_MANY and one.start > paragraph[-1].start)
            if new_voice or full or (silent and (ended or size >= _ENOUGH // 2)):
                yield paragraph
                paragraph, size = [], 0
        who = one.who if new_voice else None
        speaker = one.who if one.who is not None else speaker
        paragraph.append(_Said(one.start, one.end, who, one.text))
        size += count_words(one.text)
    if paragraph:
        yield paragraph


def _joined(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        space = "" if not text or (_CJK.match(text[-1]) and _CJK.match(part[:1])) else " "
        text += space + part
    return text


def _time_code(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


__all__ = ["Cue", "read_srt", "read_vtt"]
