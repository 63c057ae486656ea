"""What a course will cost before anything is spent: calls, tokens, money and time, as a range.

A first guess from sizes alone; the ledger tells how far off it was.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from coursewright.course.plan import CourseRequest
from coursewright.documents.passages import Passage
from coursewright.llm.model import Abilities, Usage
from coursewright.llm.prices import Price

_BYTES_A_TOKEN = 4.0  # an expectation; what is reserved for a call is counted more carefully
_PROMPT = 900  # tokens of system text, brief and instructions
_SECTION_WORDS, _MOST_SECTIONS = 500, 90  # of sources a section, where the structure is left open
_SECTIONS_A_LESSON, _LESSONS_A_MODULE = 3, 3
_SECONDS_A_TOKEN, _FIRST_SECONDS = 1 / 60, 2.0  # of output
_LONGEST_CHAIN = 5
_REPAIRS = 0.5  # of all calls, at worst


@dataclass(frozen=True, slots=True)
class Work:
    """The calls of one kind: how many, tokens in and out of each. `multiplier`: of the price, below 1 in a batch."""

    kind: str
    calls: int
    input: int
    output: int
    multiplier: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low` is everything right at once, `high` half of all calls twice. Dollars are None without a price."""

    model: str
    work: tuple[Work, ...]
    calls: tuple[int, int]
    input_tokens: tuple[int, int]
    output_tokens: tuple[int, int]
    dollars: tuple[Decimal, Decimal] | None
    minutes: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the sources are."""

    passages: int
    words: int
    bytes: int


def estimate(
    passages: Sequence[Passage] | Sizes,
    request: CourseRequest,
    model: str,
    abilities: Abilities,
    price: Price | None,
    at_once: int = 20,
    cheaper: Mapping[str, Decimal] | None = None,
) -> Estimate:
    """Estimate the course that `request` asks for, from the sizes of the passages; `at_once` calls are in flight.

    `cheaper`: multipliers of the price by kind, in a batch; repairs go at once, at the whole price.
    """
    cheaper = cheaper or {}
    sizes = passages if isinstance(passages, Sizes) else _sizes(passages)
    work = tuple(
        replace(each, multiplier=float(cheaper.get(each.kind, 1))) for each in _work(sizes, request, abilities)
    )
    calls = sum(each.calls for each in work)
    read = sum(each.calls * each.input for each in work)
    written = sum(each.calls * each.output for each in work)
    worst = 1 + _REPAIRS
    dollars = None
    if price is not None:
        whole = {each.kind: each.calls * price.cost(Usage(each.input, each.output)) for each in work}
        low = sum((cost * cheaper.get(kind, Decimal(1)) for kind, cost in whole.items()), Decimal(0))
        dollars = (low, low + Decimal(str(_REPAIRS)) * sum(whole.values(), Decimal(0)))
    longest = max(each.output for each in work) * _SECONDS_A_TOKEN + _FIRST_SECONDS
    waves = math.ceil(calls / at_once)
    minutes = max(_LONGEST_CHAIN, waves) * longest / 60
    return Estimate(
        model=model,
        work=work,
        calls=(calls, round(calls * worst)),
        input_tokens=(read, round(read * worst)),
        output_tokens=(written, round(written * worst)),
        dollars=dollars,
        minutes=(minutes / 2, minutes * worst),
    )


def _sizes(passages: Sequence[Passage]) -> Sizes:
    return Sizes(
        len(passages),
        sum(passage.words for passage in passages),
        sum(len(passage.text.encode()) for passage in passages),
    )


def _work(sizes: Sizes, request: CourseRequest, abilities: Abilities) -> list[Work]:
    size = sizes.bytes / _BYTES_A_TOKEN
    guessed = min(_MOST_SECTIONS, max(1, round(sizes.words / _SECTION_WORDS)))
    per_lesson = request.sections or _SECTIONS_A_LESSON
    lessons = (request.modules or 0) * (request.lessons or 0) or max(1, round(guessed / per_lesson))
    modules = request.modules or max(1, round(lessons / (request.lessons or _LESSONS_A_MODULE)))
    sections = lessons * per_lesson
    material = round(min(size / max(sections, 1), abilities.context_window / 4))
    window = max(1_000, abilities.context_window - 6_000)
    parts = max(1, math.ceil(size / window))
    listing = min(round(sizes.passages * 60), window)
    lesson_text = 550 * per_lesson
    return [
        Work("knowledge_analysis", parts, _PROMPT + round(size / parts), 1_500),
        Work("outline_generation", 1, _PROMPT + listing, 200 + 120 * sections),
        Work("lesson_section", sections, _PROMPT + material, 900),
        Work("lesson_assessment", lessons, _PROMPT + min(material * per_lesson, window), 1_400),
        Work("lesson_mind_map", lessons, _PROMPT + lesson_text, 300),
        Work("lesson_brainbytes", lessons, _PROMPT + lesson_text, 400),
        Work("path_quiz", modules, _PROMPT + min(12 * material, window), 2_400),
        Work("class_exam", 1, _PROMPT + min(24 * material, window), 4_000),
    ]


__all__ = ["Estimate", "Sizes", "Work", "estimate"]
