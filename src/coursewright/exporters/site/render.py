"""Renders every page of the site. Pages stand side by side in one folder, so that links work from `file://`.

Citations open their passage from `assets/sources.js`, which a page loads only when it is asked for; without scripts
they lead to `sources.html`. Nothing is fetched from outside; a strict content security policy says so to the browser.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from coursewright.course import walk
from coursewright.course.ids import derive_id
from coursewright.course.model import Block, Citation, Course, Lesson, Question, Source
from coursewright.exporters.catalogue import Catalogue, catalogue, direction
from coursewright.exporters.site.documents import by_document, strip
from coursewright.exporters.site.mindmap import draw
from coursewright.exporters.text import inline, parse_list, parse_table, plain

ASSETS = ("style.css", "questions.css", "print.css", "theme.js", "site.js", "questions.js")
FULL_MENU = 60  # lessons up to which every page lists them all


@dataclass(frozen=True, slots=True)
class Page:
    """A page that navigation knows: lesson, quiz or exam."""

    file: str
    kind: str
    number: str
    title: str
    module: int
    lesson: Lesson | None = None


@dataclass(slots=True)
class Cites:
    """Numbers the citations of one page in the order they appear."""

    anchors: dict[str, str]
    target: str
    label: str
    used: dict[str, int] = field(default_factory=dict)

    def __call__(self, citations: tuple[Citation, ...], addition: str = "") -> Markup:
        """Return the marks of citations; without any, `addition` says that nobody else said so."""
        if not citations and addition:
            return Markup('<span class="addition">{}</span>').format(addition)
        marks = Markup("")
        for citation in citations:
            anchor = self.anchors.get(citation.passage_id)
            if anchor is None:
                continue
            number = self.used.setdefault(citation.passage_id, len(self.used) + 1)
            marks += Markup(
                '<a class="cite" href="{}#{}" data-source="{}" data-quote="{}" aria-label="{}">{}</a>'
            ).format(self.target, anchor, anchor, citation.quote, f"{self.label} {number}", number)
        return Markup('<span class="cites">{}</span>').format(marks) if marks else marks


def render_site(course: Course) -> dict[str, bytes]:
    """Return every file of the site by its path: a function of the course alone."""
    site = _Site(course)
    files = {file: text.encode() for file, text in site.pages()}
    assets = resources.files("coursewright.exporters.site") / "assets"
    files |= {f"assets/{name}": (assets / name).read_bytes() for name in ASSETS}
    files["assets/sources.js"] = site.sources_script().encode()
    files["assets/search.js"] = site.search_script().encode()
    return files


class _Site:
    def __init__(self, course: Course) -> None:
        self.course = course
        self.say = catalogue(course.language)
        self.nav = list(_pages(course, self.say))
        cited = {citation.passage_id for _, citation in walk.citations(course)}
        self.sources = [source for source in course.sources if source.passage_id in cited]
        self.anchors = {source.passage_id: f"s{number}" for number, source in enumerate(self.sources, 1)}
        self.by_id = {source.passage_id: source for source in self.sources}
        self.documents = by_document(self.sources)
        self.cited_on: dict[str, list[Page]] = {}
        self._quotes = self._quoted_spans()
        env = Environment(
            loader=PackageLoader("coursewright.exporters.site"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.filters |= {"inline": _inline, "plain": plain, "lists": parse_list, "table": parse_table, "key": _key}
        env.filters |= {"passage": self._passage, "held": _held, "sub_heading": self._is_sub_heading}
        env.tests |= {"with_mind_map": walk.has_mind_map, "with_script": walk.has_script}
        env.globals |= {
            "course": course, "say": self.say, "nav": self.nav, "rtl": direction(course.language) == "rtl",
            "direction": direction(course.language), "draw": draw,
            "store": derive_id("cw-", course.title, *(module.id for module in course.modules)),
            "full_menu": sum(page.kind == "lesson" for page in self.nav) <= FULL_MENU, "place": _place,
            "lesson_count": sum(page.kind == "lesson" for page in self.nav), "sources": self.sources,
            "anchors": self.anchors, "by_id": self.by_id, "rights": self._rights(), "documents": self.documents,
            "strip": self._strip, "cited_on": self.cited_on,
            "script_words": {key: self.say[key] for key in _SCRIPT_WORDS},
        }  # fmt: skip
        self._env = env

    def _render(self, template: str, file: str, title: str, **values: object) -> tuple[str, str]:
        target = "" if template == "print.html" else "sources.html"
        cites = Cites(self.anchors, target, self.say["passage"])
        here = next((page for page in self.nav if page.file == file), None)
        at = self.nav.index(here) if here else None
        text = self._env.get_template(template).render(
            file=file,
            page_title=title,
            cite=cites,
            here=here,
            previous=self.nav[at - 1] if at else None,
            following=self.nav[at + 1] if at is not None and at + 1 < len(self.nav) else None,
            **values,
        )
        if here:
            for passage_id in cites.used:
                self.cited_on.setdefault(passage_id, []).append(here)
        return file, text

    def pages(self) -> Iterator[tuple[str, str]]:
        course = self.course
        yield self._render("index.html", "index.html", course.title)
        for page in self.nav:
            if page.lesson is not None:
                module = course.modules[page.module - 1]
                yield self._render("lesson.html", page.file, page.title, lesson=page.lesson, module=module)
            else:
                questions = (course.exam if page.kind == "exam" else course.modules[page.module - 1].quiz).questions
                intro = self.say["exam_intro" if page.kind == "exam" else "quiz_intro"]
                yield self._render("quiz.html", page.file, page.title, questions=questions, intro=intro)
        yield self._render("sources.html", "sources.html", self.say["sources"])
        yield self._render("print.html", "print.html", course.title)

    def _is_sub_heading(self, block: Block) -> bool:
        cited = self.by_id.get(block.citations[0].passage_id) if block.citations else None
        return cited is not None and walk.is_sub_heading(block, cited.heading_path)

    def _passage(self, source: Source) -> Markup:
        """Return the text of a passage with everything marked that the course quotes from it."""
        marked = sorted(self._quotes.get(source.passage_id, ()))
        result, at = Markup(""), 0
        for start, end in marked:
            if end <= at:
                continue
            start = max(start, at)
            result += escape(source.text[at:start]) + Markup("<mark>{}</mark>").format(source.text[start:end])
            at = end
        return result + escape(source.text[at:])

    def _quoted_spans(self) -> dict[str, set[tuple[int, int]]]:
        spans: dict[str, set[tuple[int, int]]] = {}
        for _, citation in walk.citations(self.course):
            source = self.by_id.get(citation.passage_id)
            start = source.text.find(citation.quote) if source else -1
            if start >= 0:
                spans.setdefault(citation.passage_id, set()).add((start, start + len(citation.quote)))
        return spans

    def _strip(self, passage_ids: Iterable[str], label: str) -> Markup:
        return strip(self.documents, Counter(self.by_id[each].document for each in passage_ids), label)

    def _rights(self) -> list[str]:
        """Return whom the sources are to be attributed to, and their licences, each once."""
        return [rights for rights in dict.fromkeys(document.rights for document in self.documents) if rights]

    def sources_script(self) -> str:
        entries = {
            self.anchors[s.passage_id]: [
                s.title or s.document,
                list(s.heading_path[1:] if s.heading_path[:1] == (s.title,) else s.heading_path),
                _place(s, self.say["page"]),
                s.language,
                s.text,
            ]
            for s in self.sources
        }
        return f"window.courseSources = {_script_json(entries)};\n"

    def search_script(self) -> str:
        entries = []
        for page in self.nav:
            for section in page.lesson.sections if page.lesson else ():
                text = " ".join(plain(block.text) for block in section.blocks)
                terms = " ".join(concept.term for concept in section.key_concepts)
                entries.append(
                    [page.file, section.id, f"{page.number} {page.title}", section.title, f"{text} {terms}".strip()]
                )
        return f"window.courseSearch = {_script_json(entries)};\n"


_SCRIPT_WORDS = (
    "copy", "copied", "right", "wrong", "partly", "listen", "stop", "done", "mark_done", "progress", "no_results",
    "results", "score", "start", "continue", "close",
)  # fmt: skip


def _pages(course: Course, say: Catalogue) -> Iterator[Page]:
    for m, module in enumerate(course.modules, 1):
        for n, lesson in enumerate(module.lessons, 1):
            yield Page(f"lesson-{m}-{n}.html", "lesson", f"{m}.{n}", lesson.title, m, lesson)
        if module.quiz.questions:
            yield Page(f"quiz-{m}.html", "quiz", "", f"{say['quiz']}{say['colon']}{module.title}", m)
    if course.exam.questions:
        yield Page("exam.html", "exam", "", say["exam"], 0)


def _held(title: str) -> str:
    """Return a title whose dots stay with the word before them: none begins a line."""
    return title.replace(" · ", "\u00a0· ")


def _inline(text: str) -> Markup:
    pieces = (Markup("<code>{}</code>").format(piece) if code else escape(piece) for code, piece in inline(text))
    return Markup("").join(pieces)


def _place(source: Source, page: str) -> str:
    parts = [page.format(n=source.page) if source.page is not None else "", source.time_code or ""]
    return ", ".join(part for part in parts if part)


def _key(question: Question) -> str:
    """Return what the script compares an answer with, as JSON for an attribute."""
    match question.kind:
        case "multiple_choice":
            key: object = [question.answer]
        case "true_false":
            key = ["true" if question.answer else "false"]
        case "matching":
            key = [pair.option for pair in question.answer]
        case "long_answer":
            key = []
        case _:
            key = question.answer
    return json.dumps(key, ensure_ascii=False)


def _script_json(value: object) -> str:
    """Return JSON that is also safe JavaScript: no `</script>`, no line separators of its own."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


__all__ = ["Page", "render_site"]
