"""Renders a course as one Markdown document: readable as it is, citations as footnotes."""

import re
from collections.abc import Iterator

from coursewright.course.model import (
    Block,
    BrainBytes,
    Branch,
    Citation,
    Cloze,
    Course,
    Lesson,
    LongAnswer,
    Matching,
    MultipleChoice,
    MultipleResponse,
    Ordering,
    Question,
    QuestionSet,
    ShortAnswer,
    Source,
    TrueFalse,
)
from coursewright.course.walk import has_mind_map, has_script, is_sub_heading
from coursewright.exporters.catalogue import Catalogue, catalogue
from coursewright.exporters.text import inline

_SPECIAL = re.compile(r"([\\*_\[\]<>|#~])")


def render_markdown(course: Course) -> str:
    """Return the course as Markdown (CommonMark, pipe tables, footnotes), ending with a newline."""
    text = "\n\n".join(part for part in _Markdown(course).parts() if part)
    return text + "\n"


def render_lesson(course: Course, lesson: Lesson) -> str:
    """Return one lesson of a course as Markdown, with footnotes of its own."""
    page = _Markdown(course)
    parts = [*page.lesson(_escape(lesson.title), lesson), *page.footnotes()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _escape(text: str) -> str:
    """Escape what Markdown or HTML would read as markup; inline code stays."""
    pieces = []
    for is_code, piece in inline(" ".join(text.split())):
        if is_code:
            fence = "``" if "`" in piece else "`"
            pieces.append(f"{fence}{piece}{fence}")
        else:
            pieces.append(_SPECIAL.sub(r"\\\1", piece).replace("&", "&amp;"))
    line = "".join(pieces)
    return re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", re.sub(r"^([-+])(?=\s)", r"\\\1", line))


class _Markdown:
    def __init__(self, course: Course) -> None:
        self._course = course
        self._words: Catalogue = catalogue(course.language)
        self._sources = {source.passage_id: source for source in course.sources}
        self._notes: dict[str, int] = {}  # passage id -> footnote

    def parts(self) -> Iterator[str]:
        course, say = self._course, self._words
        yield f"# {_escape(course.title)}"
        yield _escape(course.description)
        if course.objectives:
            yield f"**{say['objectives']}**"
            yield _bullets(course.objectives)
        for number, module in enumerate(course.modules, 1):
            yield f"## {say['module']} {number}{say['colon']}{_escape(module.title)}"
            yield _escape(module.description)
            yield _bullets(module.objectives)
            for place, lesson in enumerate(module.lessons, 1):
                yield from self.lesson(f"{number}.{place} {_escape(lesson.title)}", lesson)
            yield from self._questions(f"### {say['quiz']}{say['colon']}{_escape(module.title)}", module.quiz)
        yield from self._questions(f"## {say['exam']}", course.exam)
        yield from self.footnotes()
        yield f"---\n\n{_escape(course.provenance.notice)}" if course.provenance.notice else ""

    def lesson(self, title: str, lesson: Lesson) -> Iterator[str]:
        say = self._words
        yield f"### {title}"
        if lesson.minutes:
            yield f"*{say['minutes'].format(n=lesson.minutes)}*"
        yield _escape(lesson.description)
        yield _bullets(lesson.objectives)
        for section in lesson.sections:
            yield f"#### {_escape(section.title)}"
            for block in section.blocks:
                yield self._block(block)
            if section.examples:
                yield f"**{say['examples']}**"
                for block in section.examples:
                    yield self._block(block)
            if section.key_concepts:
                yield f"**{say['key_concepts']}**"
                colon = say["colon"]
                yield "\n".join(
                    f"- **{_escape(each.term)}**{colon}{_escape(each.explanation)}{self._said_by(each.citations)}"
                    for each in section.key_concepts
                )
            if section.summary:
                yield f"> **{self._label('summary')}** {_escape(section.summary)}"
        if lesson.mind_map is not None and has_mind_map(lesson):
            yield f"#### {say['mind_map']}"
            yield f"- {_escape(lesson.mind_map.topic)}\n" + "\n".join(_branches(lesson.mind_map.branches, 1))
        if lesson.brainbytes is not None and has_script(lesson):
            yield from self._brainbytes(lesson.brainbytes)
        yield from self._questions(f"#### {say['self_check']}", lesson.assessment)

    def _label(self, name: str) -> str:
        return f"{self._words[name]}{self._words['colon']}".rstrip(" ")

    def _brainbytes(self, script: BrainBytes) -> Iterator[str]:
        yield f"#### {self._words['brainbytes']}{self._words['colon']}{_escape(script.title)}"
        for segment in script.segments:
            yield _escape(segment.text)

    def _block(self, block: Block) -> str:
        cited = self._sources.get(block.citations[0].passage_id) if block.citations else None
        if cited and is_sub_heading(block, cited.heading_path):
            return f"##### {_escape(block.text)}"
        cite = self._said_by(block.citations)
        match block.kind:
            case "code":
                fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", block.text)), default=0))
                return f"{fence}\n{block.text}\n{fence}" + (f"\n\n{cite.strip()}" if cite else "")
            case "list":
                return _list(block.text) + cite
            case "table":
                lines = [
                    line if set(line) <= set("|-: ") else re.sub(r"([<>&*_\[\]])", r"\\\1", line)
                    for line in _lines(block.text)
                ]
                return "\n".join(lines) + (f"\n\n{cite.strip()}" if cite else "")
            case "note":
                lines = [_escape(line) for line in _lines(block.text)]  # the first may be the title of the note
                return f"> **{self._label('note')}** " + "  \n> ".join(lines) + cite
            case "figure":
                return f"> **{self._label('figure')}** {_escape(block.text)}{cite}"
        return _escape(block.text) + cite

    def _said_by(self, citations: tuple[Citation, ...]) -> str:
        return self._cite(citations) or f" *({self._words['addition']})*"

    def _cite(self, citations: tuple[Citation, ...]) -> str:
        numbers = [self._notes.setdefault(each.passage_id, len(self._notes) + 1) for each in citations]
        return "".join(f"[^{number}]" for number in dict.fromkeys(numbers))

    def footnotes(self) -> Iterator[str]:
        if not self._notes:
            return
        yield f"## {self._words['sources']}"
        for passage_id, number in self._notes.items():
            source = self._sources.get(passage_id)
            yield f"[^{number}]: {self._reference(source) if source else passage_id}"

    def _reference(self, source: Source) -> str:
        title, headings = source.title or source.document, source.heading_path
        parts = [title, *(headings[1:] if headings[:1] == (title,) else headings)]
        if source.page is not None:
            parts.append(self._words["page"].format(n=source.page))
        if source.time_code:
            parts.append(source.time_code)
        rights = "; ".join(filter(None, (source.attribution, source.licence)))
        return _escape(" › ".join(parts)) + (f" ({_escape(rights)})" if rights else "")

    def _questions(self, heading: str, questions: QuestionSet) -> Iterator[str]:
        if not questions.questions:
            return
        yield heading
        for number, question in enumerate(questions.questions, 1):
            yield f"**{number}.** {_escape(question.stem)}"
            yield _choices(question)
            why = f" {_escape(question.explanation)}" if question.explanation else ""
            answer = self._answer(question)
            stop = "" if re.search(r"[.!?…。！？؟]$|\n", answer) else self._words["full_stop"]
            space = "" if answer.startswith("\n") else " "
            yield f"*{self._label('answer')}*{space}{answer}{stop}{why}{self._cite(question.citations)}"

    def _answer(self, question: Question) -> str:
        texts = {option.id: _escape(option.text) for option in question.options}
        match question:
            case MultipleChoice():
                return texts.get(question.answer, question.answer)
            case MultipleResponse():
                return "; ".join(texts.get(id_, id_) for id_ in question.answer)
            case Ordering():
                return " → ".join(texts.get(id_, id_) for id_ in question.answer)
            case TrueFalse():
                return self._words["true"] if question.answer else self._words["false"]
            case Matching():
                return "; ".join(f"{_escape(p.prompt)} → {texts.get(p.option, p.option)}" for p in question.answer)
            case Cloze():
                return "; ".join(" / ".join(map(_escape, accepted)) for accepted in question.answer)
            case ShortAnswer():
                return " / ".join(map(_escape, question.answer))
            case LongAnswer():
                listed = "\n" in question.answer
                return f"\n\n{_list(question.answer)}" if listed else _escape(question.answer)


def _escape_item(match: re.Match[str]) -> str:
    return (match[1] or "").replace("•", "-") + _escape(match[2])


def _list(text: str) -> str:
    return "\n".join(re.sub(r"^( *(?:[-*•]|\d+[.)]) +)?(.*)$", _escape_item, line) for line in _lines(text))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _bullets(texts: tuple[str, ...]) -> str:
    return "\n".join(f"- {_escape(text)}" for text in texts)


def _choices(question: Question) -> str:
    lines = [f"- {_escape(option.text)}" for option in question.options]
    if isinstance(question, Matching):
        lines = [f"- {_escape(pair.prompt)} → …" for pair in question.answer] + [""] + lines
    return "\n".join(lines)


def _branches(branches: tuple[Branch, ...], depth: int) -> Iterator[str]:
    for branch in branches:
        yield "  " * depth + f"- {_escape(branch.title)}"
        yield from _branches(branch.branches, depth + 1)


__all__ = ["render_markdown"]
