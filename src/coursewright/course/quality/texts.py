"""Measures 8-11: repetition between lessons, readability, objectives that are taught and asked, one language."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from coursewright.course import walk
from coursewright.course.model import Course, Lesson
from coursewright.course.plan import Level
from coursewright.course.quality import words
from coursewright.course.quality.report import Flag, Measure
from coursewright.tongues import identifier

CONTAINMENT = 0.15
SURE_LENGTH = 60  # characters below which a language cannot be told
_LIKELY = frozenset(  # of courses
    [
        *("ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it"),
        *("ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"),
    ]
)
# Looking behind keeps the time linear in texts that do not separate words.
_NOT_PROSE = re.compile(r"`[^`]*`|https?://\S+|(?<![^\s`])\S*[\d_/\\=<>|{}$]\S*")
_GRADES: dict[str, float] = {
    "kindergarten": 0, "1st-grade": 1, "2nd-grade": 2, "3rd-grade": 3, **{f"{n}th-grade": n for n in range(4, 13)},
    "college": 14, "graduate": 16, "professional": 16, "master": 17,
}  # fmt: skip

# Measurable verbs of the revised taxonomy (Anderson & Krathwohl 2001), as an objective of the language begins.
_VERBS = {
    "en": """define describe explain list name state identify recall recognise recognize label match select outline
        summarise summarize classify compare contrast discuss distinguish interpret paraphrase predict illustrate give
        apply use carry demonstrate calculate solve configure install perform follow order arrange put operate write
        analyse analyze differentiate examine organise organize relate evaluate assess justify judge choose recommend
        create design build plan develop compose construct produce locate look complete tell read set""",
    "de": """beschreiben erklären erläutern nennen definieren aufzählen erkennen zuordnen ordnen unterscheiden
        vergleichen zusammenfassen anwenden benutzen verwenden ausführen durchführen einrichten installieren
        analysieren bewerten beurteilen begründen entwerfen entwickeln erstellen planen wiedergeben bestimmen""",
    "fr": """définir décrire expliquer énumérer nommer citer identifier reconnaître associer ordonner distinguer
        comparer résumer appliquer utiliser exécuter configurer installer analyser évaluer justifier concevoir créer
        développer planifier classer indiquer""",
    "es": """definir describir explicar enumerar nombrar identificar reconocer relacionar ordenar distinguir comparar
        resumir aplicar usar utilizar ejecutar configurar instalar analizar evaluar justificar diseñar crear
        desarrollar planificar clasificar indicar""",
}
_QUOTED = re.compile(r"[“„«「]\s*(.+?)\s*[”“»」]")
_VERB_SET = {language: frozenset(text.split()) for language, text in _VERBS.items()}


Headings = Mapping[str, Sequence[str]]  # the heading path of each passage


def _headings(course: Course) -> Headings:
    return {source.passage_id: source.heading_path for source in course.sources}


def _lesson_text(lesson: Lesson, headings: Headings) -> Iterator[tuple[str, str]]:
    """Yield the running text of a lesson: headings are no sentences."""
    for section in lesson.sections:
        for block in (*section.blocks, *section.examples):
            path = headings.get(block.citations[0].passage_id, ()) if block.citations else ()
            if block.kind not in {"code", "table", "figure"} and not walk.is_sub_heading(block, path):
                yield block.id, block.text


def redundancy(course: Course) -> tuple[Measure, Measure]:
    """Measure sentences that two lessons share, and how much of a lesson its siblings already say."""
    headings = _headings(course)
    first: dict[str, str] = {}
    reused: list[Flag] = []
    close: list[Flag] = []
    worst = 0.0
    pairs = 0
    for module in course.modules:
        siblings: list[tuple[str, frozenset[tuple[str, ...]]]] = []
        for lesson in module.lessons:
            own = f"{module.id}/{lesson.id}"
            grams: set[tuple[str, ...]] = set()
            for block_id, text in _lesson_text(lesson, headings):
                for sentence in words.sentences(text, course.language):
                    tokens = words.words(sentence)
                    if len(tokens) >= 6:
                        grams |= words.ngrams(tokens)
                        before = first.setdefault(" ".join(tokens), own)
                        if before != own:
                            where = f"{own}/{block_id}"
                            why = f"The same sentence stands in {before}."
                            reused.append(Flag(where=where, what=words.excerpt(sentence), why=why))
            for other, theirs in siblings:
                if grams and theirs:
                    pairs += 1
                    contained = len(grams & theirs) / min(len(grams), len(theirs))
                    worst = max(worst, contained)
                    if contained > CONTAINMENT:
                        why = f"{contained:.0%} of its word sequences also stand in {other}."
                        close.append(Flag(where=own, what=lesson.title, why=why))
            siblings.append((own, frozenset(grams)))
    return (
        Measure(
            name="reused_sentences", title="Sentences that stand in two lessons", value=len(reused), aim="0",
            passed=not reused, figures={"sentences": len(first)}, flags=tuple(reused),
        ),
        Measure(
            name="redundancy", title="Most that two lessons of a module share",
            value=round(worst, 4) if pairs else None,
            aim="at most 0.15", passed=worst <= CONTAINMENT if pairs else None, figures={"pairs": pairs},
            flags=tuple(close),
        ),
    )  # fmt: skip


def readability(course: Course, level: Level | None) -> Measure:
    """Measure the Flesch-Kincaid grade (Kincaid et al. 1975) of English lessons, against the level if one is set."""
    title = "Reading grade (Flesch-Kincaid, English only)"
    aim = f"{_GRADES[level]:.0f} ± 1 ({level})" if level else "no level was asked for"
    sentences: list[str] = []
    flags: list[Flag] = []
    target = _GRADES[level] if level else None
    headings = _headings(course)
    if course.language == "en":
        for module in course.modules:
            for lesson in module.lessons:
                own = [s for _, text in _lesson_text(lesson, headings) for s in words.sentences(text, "en")]
                sentences += own
                grade = _grade(own)
                if target is not None and grade is not None and abs(grade - target) > 1:
                    why = f"Grade {grade:.1f}; the level asked for is {target:.0f}."
                    flags.append(Flag(where=f"{module.id}/{lesson.id}", what=lesson.title, why=why))
    value = _grade(sentences)
    passed = None if value is None or target is None else abs(value - target) <= 1
    return Measure(
        name="readability", title=title, value=value, aim=aim, passed=passed,
        figures={"sentences": len(sentences)}, flags=tuple(flags),
    )  # fmt: skip


def _grade(sentences: list[str]) -> float | None:
    counted = [tokens for tokens in map(words.words, sentences) if tokens]
    total = sum(map(len, counted))
    if total < 100:  # the formula says nothing about a few lines
        return None
    syllables = sum(_syllables(word) for tokens in counted for word in tokens)
    return round(0.39 * total / len(counted) + 11.8 * syllables / total - 15.59, 2)


def _syllables(word: str) -> int:
    count = len(re.findall(r"[aeiouy]+", word))
    if word.endswith("e") and not word.endswith("le") and count > 1:
        count -= 1
    return max(count, 1)


def alignment(course: Course, *, unasked: bool = False) -> Measure:
    """Measure the objectives of lessons that start with a measurable verb, are taught, and are asked about.

    With `unasked`, lessons were to have no questions, and nothing need be asked about.
    """
    verbs = _VERB_SET.get(course.language)
    asked: defaultdict[str, int] = defaultdict(int)
    for placed in walk.questions(course):
        asked[placed.question.objective] += 1
    headings = _headings(course)
    flags: list[Flag] = []
    total = good = 0
    for module in course.modules:
        for lesson in module.lessons:
            shown = " ".join(_taught(lesson, headings)).casefold()
            taught = set(words.content(shown, course.language))
            for objective in lesson.objectives:
                total += 1
                faults = []
                tokens = words.words(objective)
                if verbs is not None and not (tokens and verbs & {tokens[0], tokens[-1]}):
                    faults.append("it does not start with a verb that can be measured")
                # What an objective is about stands in quotation marks; its verb and "the main points of" do not count.
                about = " ".join(_QUOTED.findall(objective)) or objective
                content = set(words.content(about, course.language))
                held = len(content & taught) >= 0.5 * len(content) if content else about.casefold() in shown
                if not held:
                    faults.append("no section of the lesson speaks of it")
                if not unasked and not asked[objective]:
                    faults.append("no question examines it")
                good += not faults
                if faults:
                    why = "; ".join(faults) + "."
                    flags.append(Flag(where=f"{module.id}/{lesson.id}", what=objective, why=why[0].upper() + why[1:]))
    value = words.share(good, total)
    return Measure(
        name="alignment", title="Objectives that are measurable, taught and asked about", value=value,
        aim="1.0", passed=None if value is None else value == 1, figures={"objectives": total}, flags=tuple(flags),
    )  # fmt: skip


def _taught(lesson: Lesson, headings: Headings) -> Iterator[str]:
    """Yield all that a lesson shows: titles, blocks of every kind, key concepts, and the headings they stood under."""
    for section in lesson.sections:
        yield section.title
        for block in (*section.blocks, *section.examples):
            yield block.text
            for citation in block.citations:
                yield from headings.get(citation.passage_id, ())
        for concept in section.key_concepts:
            yield f"{concept.term} {concept.explanation}"


def _fields(course: Course) -> Iterator[tuple[str, str]]:
    yield "course", course.description
    for module in course.modules:
        yield module.id, module.description
        for lesson in module.lessons:
            where = f"{module.id}/{lesson.id}"
            yield where, lesson.description
            for segment in lesson.brainbytes.segments if lesson.brainbytes else ():
                yield f"{where}/brainbytes", segment.text
    for placed in walk.sections(course):
        yield placed.where, placed.section.summary
    for where, block in walk.blocks(course):
        if block.kind not in {"code", "table"}:
            yield where, block.text
    for where, concept in walk.concepts(course):
        yield where, concept.explanation
    for question in walk.questions(course):
        yield question.where, question.question.stem


def language(course: Course) -> Measure:
    """Measure the fields, long enough to tell, that are written in the language of the course."""
    flags: list[Flag] = []
    total = 0
    for where, text in _fields(course):
        plain = _NOT_PROSE.sub(" ", text).strip()
        # An ideograph tells as much as three letters.
        if sum(3 if char > "\u3000" else 1 for char in plain if char.isalpha()) < SURE_LENGTH:
            continue
        total += 1
        told, _ = identifier(_LIKELY).classify(plain)
        if told != course.language:
            flags.append(Flag(where=where, what=words.excerpt(plain), why=f"It reads like “{told}”."))
    value = words.share(total - len(flags), total)
    return Measure(
        name="language", title="Fields in the language of the course", value=value, aim="at least 0.98",
        passed=None if value is None else value >= 0.98, figures={"fields": total}, flags=tuple(flags),
    )  # fmt: skip


__all__ = ["alignment", "language", "readability", "redundancy"]
