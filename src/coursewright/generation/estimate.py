"""What a course will cost before anything is spent: calls, tokens, money and time, as a range. Pure.

A guess from sizes, corrected by what the same model took for earlier courses beside what was guessed for them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from statistics import median

from coursewright.course.plan import SECTION_WORDS, USUAL_DETAIL, CourseRequest
from coursewright.documents.passages import Passage
from coursewright.generation.authors.llm.beside import AT_ONCE
from coursewright.llm.model import Abilities, Usage
from coursewright.llm.prices import Price

_BYTES_A_TOKEN = 4.0  # an expectation; what is reserved for a call is counted more carefully
_PROMPT = 900  # tokens of system text, brief and instructions
_SECTION_WORDS, _MOST_SECTIONS = 500, 90  # of sources a section, where the structure is left open
_SECTIONS_A_LESSON, _LESSONS_A_MODULE = 3, 3
_SECONDS_A_TOKEN, _FIRST_SECONDS = 1 / 60, 2.0  # of output
KINDS = (
    "knowledge_analysis", "outline_generation", "lesson_section", "lesson_assessment", "lesson_mind_map",
    "lesson_brainbytes", "path_quiz", "class_exam",
)  # fmt: skip
_FIRST = ("knowledge_analysis", "outline_generation", "lesson_section")  # one waits for the other, the rest for these
_REPAIRS = 0.5  # of all calls, at worst
_SURE, _UNSURE = 0.1, 0.4  # what a range leaves either side: always, and once more by the number of earlier courses
_FURTHEST = 10.0  # times that one course may correct an estimate


@dataclass(frozen=True, slots=True)
class Writer:
    """The model that does one kind of work. `multiplier`: of its price, below 1 in a batch; repairs go at once.
    `reasoning`: tokens that it may write before each answer.
    """

    model: str
    abilities: Abilities
    price: Price | None
    multiplier: Decimal = Decimal(1)
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """The calls of one kind: how many, tokens in and out of each; by which model, at which part of its price."""

    kind: str
    calls: int
    input: int
    output: int
    multiplier: float = 1.0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kind of task took in an earlier course (1: the newest), beside what was guessed from sizes; tokens in
    all.
    """

    course: int
    kind: str
    calls_estimated: int
    input_estimated: int
    output_estimated: int
    calls: int
    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Ranges. Without earlier courses low is everything right at once without reasoning, high half of all calls twice
    and as much reasoning as there is room for; with them, low and high are as far off as those were. Dollars are None
    without a price. `model` writes the sections; `work` names that of each kind. `sized` is what sizes alone say;
    `courses` how many earlier ones corrected it.
    """

    model: str
    work: tuple[Work, ...]
    calls: tuple[int, int]
    input_tokens: tuple[int, int]
    output_tokens: tuple[int, int]
    dollars: tuple[Decimal, Decimal] | None
    minutes: tuple[float, float]
    sized: tuple[Work, ...]
    courses: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the sources are."""

    passages: int
    words: int
    bytes: int


def estimate(
    passages: Sequence[Passage] | Sizes,
    request: CourseRequest,
    writers: Mapping[str, Writer],
    at_once: int = 20,
    outcomes: Sequence[Outcome] = (),
) -> Estimate:
    """Estimate the course that `request` asks for. `writers`: by kind of work (`KINDS`); `at_once` calls are in flight;
    `outcomes` are of the same models.
    """
    sizes = passages if isinstance(passages, Sizes) else _sizes(passages)
    sized = tuple(
        replace(each, multiplier=float(writers[each.kind].multiplier), model=writers[each.kind].model)
        for each in _work(sizes, request, {kind: writer.abilities for kind, writer in writers.items()})
    )
    learned = _learn(outcomes)
    work = tuple(learned.correct(each) for each in sized)
    low, high = learned.spread
    calls = sum(each.calls for each in work)
    read = sum(each.calls * each.input for each in work)
    # What earlier courses wrote has their reasoning in it.
    most = work if learned.courses else tuple(_reasoned(each, writers[each.kind]) for each in work)
    return Estimate(
        model=writers["lesson_section"].model,
        work=work,
        calls=(round(calls * low), round(calls * high)),
        input_tokens=(round(read * low), round(read * high)),
        output_tokens=(round(_written(work) * low), round(_written(most) * high)),
        dollars=_dollars(work, most, writers, low, high),
        minutes=(_minutes(work, at_once) / 2, _minutes(most, at_once) * (1 + _REPAIRS)),
        sized=sized,
        courses=learned.courses,
    )


def _reasoned(work: Work, writer: Writer) -> Work:
    return replace(work, output=work.output + writer.reasoning)


def _written(work: Sequence[Work]) -> int:
    return sum(each.calls * each.output for each in work)


def _dollars(
    work: Sequence[Work], most: Sequence[Work], writers: Mapping[str, Writer], low: float, high: float
) -> tuple[Decimal, Decimal] | None:
    """Return lowest and highest; what comes on top of the middle is repairs, mostly, at the whole price."""
    if any(writers[each.kind].price is None for each in work):
        return None
    least, _ = _costs(work, writers)
    cost, whole = _costs(most, writers)
    return least * Decimal(str(low)), cost + whole * Decimal(str(max(0.0, high - 1)))


def _costs(work: Sequence[Work], writers: Mapping[str, Writer]) -> tuple[Decimal, Decimal]:
    """Return what the calls cost as they are made, and at the whole price."""
    cost = whole = Decimal(0)
    for each in work:
        writer = writers[each.kind]
        assert writer.price is not None  # noqa: S101 - see _dollars
        dollars = each.calls * writer.price.cost(Usage(each.input, each.output))
        whole += dollars
        cost += dollars * writer.multiplier
    return cost, whole


def _minutes(work: Sequence[Work], at_once: int) -> float:
    """Return how long the calls take: one after the other where they wait for each other, the others side by side."""
    lasts = {each.kind: each.output * _SECONDS_A_TOKEN + _FIRST_SECONDS for each in work}
    whole = {each.kind: each.calls * lasts[each.kind] for each in work}
    analyses = next(each.calls for each in work if each.kind == "knowledge_analysis")
    # The first part is read before the others, and the last call puts them together.
    chain = lasts["knowledge_analysis"] * (1 if analyses == 1 else 2 + math.ceil((analyses - 2) / AT_ONCE))
    chain += lasts["outline_generation"] + lasts["lesson_section"]
    chain += max(lasts[kind] for kind in lasts if kind not in _FIRST)
    return (chain + max(0, sum(whole.values()) - chain) / at_once) / 60


@dataclass(frozen=True, slots=True)
class _Learned:
    """Factors by kind: of calls, of input and of output of a call. `spread`: lowest and highest, of the middle."""

    factors: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    spread: tuple[float, float] = (1.0, 1 + _REPAIRS)
    courses: int = 0

    def correct(self, work: Work) -> Work:
        calls, read, written = self.factors.get(work.kind, (1.0, 1.0, 1.0))
        if not work.calls:
            return work
        return replace(
            work,
            calls=max(1, round(work.calls * calls)),
            input=round(work.input * read),
            output=round(work.output * written),
        )


def _learn(outcomes: Sequence[Outcome]) -> _Learned:
    """Correct each kind by the median of its ratios; what is left of the errors then is how wide the range must be."""
    if not outcomes:
        return _Learned()
    factors = {}
    for kind in {outcome.kind for outcome in outcomes}:
        seen = [outcome for outcome in outcomes if outcome.kind == kind and outcome.calls]
        if seen:
            factors[kind] = (
                median(_ratio(each.calls, each.calls_estimated) for each in seen),
                median(_ratio(each.input / each.calls, each.input_estimated / each.calls_estimated) for each in seen),
                median(_ratio(each.output / each.calls, each.output_estimated / each.calls_estimated) for each in seen),
            )
    courses = {outcome.course for outcome in outcomes}
    left = [_left(factors, [outcome for outcome in outcomes if outcome.course == course]) for course in courses]
    margin = _SURE + _UNSURE / len(courses)
    return _Learned(factors, (min(1 - margin, *left), max(1 + margin, *left)), len(courses))


def _left(factors: dict[str, tuple[float, float, float]], course: Sequence[Outcome]) -> float:
    """Return what one course took, as a part of the corrected estimate for it. Output costs about four times input."""
    took = sum(each.input + 4 * each.output for each in course)
    estimated = 0.0
    for each in course:
        calls, read, written = factors.get(each.kind, (1.0, 1.0, 1.0))
        estimated += calls * (read * each.input_estimated + 4 * written * each.output_estimated)
    return _ratio(took, estimated)


def _ratio(took: float, estimated: float) -> float:
    return min(_FURTHEST, max(1 / _FURTHEST, took / estimated)) if estimated else 1.0


def _sizes(passages: Sequence[Passage]) -> Sizes:
    return Sizes(
        len(passages),
        sum(passage.words for passage in passages),
        sum(len(passage.text.encode()) for passage in passages),
    )


def _work(sizes: Sizes, request: CourseRequest, abilities: Mapping[str, Abilities]) -> list[Work]:
    def window(kind: str) -> int:
        return max(1_000, abilities[kind].context_window - 6_000)

    size = sizes.bytes / _BYTES_A_TOKEN
    guessed = min(_MOST_SECTIONS, max(1, round(sizes.words / _SECTION_WORDS)))
    per_lesson = request.sections or _SECTIONS_A_LESSON
    lessons = (request.modules or 0) * (request.lessons or 0) or max(1, round(guessed / per_lesson))
    modules = request.modules or max(1, round(lessons / (request.lessons or _LESSONS_A_MODULE)))
    sections = lessons * per_lesson
    material = round(min(size / max(sections, 1), abilities["lesson_section"].context_window / 4))
    parts = max(1, math.ceil(size / window("knowledge_analysis")))
    analyses = parts + (parts > 1)  # one more puts the parts together
    listing = min(round(sizes.passages * 60), window("outline_generation"))
    longer = SECTION_WORDS[request.detail or USUAL_DETAIL] / SECTION_WORDS[USUAL_DETAIL]
    lesson_text = round(550 * per_lesson * longer)
    return [
        Work("knowledge_analysis", analyses, _PROMPT + round(size / analyses), 1_500),
        Work("outline_generation", 1, _PROMPT + listing, 200 + 120 * sections),
        Work("lesson_section", sections, _PROMPT + material, round(900 * longer)),
        Work("lesson_assessment", lessons, _PROMPT + min(material * per_lesson, window("lesson_assessment")), 1_400),
        Work("lesson_mind_map", lessons, _PROMPT + lesson_text, 300),
        Work("lesson_brainbytes", lessons, _PROMPT + lesson_text, 400),
        Work("path_quiz", modules, _PROMPT + min(12 * material, window("path_quiz")), 2_400),
        Work("class_exam", 1, _PROMPT + min(24 * material, window("class_exam")), 4_000),
    ]


__all__ = ["KINDS", "Estimate", "Outcome", "Sizes", "Work", "Writer", "estimate"]
