"""Estimates: from sizes alone, and corrected by what earlier courses took."""

from dataclasses import replace
from decimal import Decimal

import pytest

from coursewright.course.plan import CourseRequest
from coursewright.documents.passages import Passage
from coursewright.generation.estimate import KINDS, Estimate, Outcome, Work, Writer, estimate
from coursewright.llm.model import Abilities
from coursewright.llm.prices import parse_price

REQUEST = CourseRequest(author="llm", modules=2, lessons=3, sections=3)
PASSAGES = [
    Passage(
        id=f"p{n}", document="a.md", title="A", ordinal=n, heading_path=("A", str(n)), start=0, end=1_000,
        text="Bees make honey of nectar. " * 40, language="en", sha256=str(n),
    )
    for n in range(40)
]  # fmt: skip


SMALL = Writer("openai:x", Abilities(context_window=100_000), parse_price("1/2"))
DEAR = Writer("openai:dear", Abilities(context_window=100_000), parse_price("10/20"))


def guess(*outcomes: Outcome, at_once: int = 20) -> Estimate:
    return estimate(PASSAGES, REQUEST, dict.fromkeys(KINDS, SMALL), at_once, outcomes)


def took(times: float, course: int = 1) -> list[Outcome]:
    """Return what a course took that wrote so many times what was guessed for it, and all else as guessed."""
    return [
        Outcome(
            course, each.kind, each.calls, each.calls * each.input, each.calls * each.output,
            each.calls, each.calls * each.input, round(each.calls * each.output * times),
        )
        for each in guess().sized
    ]  # fmt: skip


def test_the_first_estimate_is_of_sizes_alone() -> None:
    first = guess()
    assert first.courses == 0
    assert first.work == first.sized
    assert first.calls[1] == pytest.approx(first.calls[0] * 1.5, abs=1)


def test_calls_side_by_side_take_less_time_and_one_long_call_does_not_lengthen_the_others() -> None:
    alone, some, all_at_once = (guess(at_once=number).minutes[1] for number in (1, 4, 1_000))
    assert alone > some > all_at_once > alone / 20
    outline = next(each for each in guess().sized if each.kind == "outline_generation")
    long = Outcome(1, outline.kind, 1, outline.input, outline.output, 1, outline.input, outline.output + 6_000)
    more = guess(*(each for each in took(1) if each.kind != outline.kind), long).minutes[1] - guess(*took(1)).minutes[1]
    assert more == pytest.approx(6_000 / 60 / 60 * 1.5, rel=0.01)  # the seconds of its own tokens, once


def test_an_estimate_learns_from_what_earlier_courses_took() -> None:
    first, second = guess(), guess(*took(3))
    assert second.courses == 1
    assert sum(second.output_tokens) / sum(first.output_tokens) == pytest.approx(3 * 2 / 2.5, rel=0.01)
    assert [each.output for each in second.work] == [3 * each.output for each in first.work]
    assert second.sized == first.sized  # what is kept to learn from is never what was learned
    assert first.dollars is not None
    assert second.dollars is not None
    assert second.dollars[1] > first.dollars[1]


def test_the_range_narrows_with_courses_that_agree() -> None:
    def width(found: Estimate) -> Decimal:
        assert found.dollars is not None
        return found.dollars[1] / found.dollars[0]

    agreed = [outcome for course in range(1, 9) for outcome in took(2, course)]
    assert width(guess(*agreed)) < width(guess(*took(2))) < Decimal(4)


def test_the_range_holds_the_courses_that_it_learned_from() -> None:
    apart = [*took(0.5, 1), *took(2, 2), *took(1, 3)]
    found = guess(*apart)
    for course in (1, 2, 3):
        written = sum(each.output for each in apart if each.course == course)
        read = sum(each.input for each in apart if each.course == course)
        assert found.dollars is not None
        assert float(found.dollars[0]) <= (read + 2 * written) / 1e6 * 1.05
        assert (read + 2 * written) / 1e6 <= float(found.dollars[1]) * 1.05


def test_one_course_that_went_wild_corrects_tenfold_at_most() -> None:
    wild = guess(*took(1000))
    assert all(new.output <= 10 * old.output for new, old in zip(wild.work, wild.sized, strict=True))


def test_each_kind_of_work_has_its_own_model_with_its_price_its_window_and_its_discount() -> None:
    def dollars(**others: Writer) -> Decimal:
        found = estimate(PASSAGES, REQUEST, dict.fromkeys(KINDS, SMALL) | others).dollars
        assert found is not None
        return found[0]

    work = {each.kind: each for each in guess().sized}
    section = work["lesson_section"]
    one = Decimal(section.calls * (section.input + 2 * section.output)) / 1_000_000
    assert dollars(lesson_section=DEAR) - dollars() == pytest.approx(9 * one)
    assert dollars() - dollars(lesson_section=replace(SMALL, multiplier=Decimal("0.5"))) == pytest.approx(one / 2)

    narrow = replace(SMALL, model="openai:narrow", abilities=Abilities(context_window=8_000))
    found = estimate(PASSAGES, REQUEST, dict.fromkeys(KINDS, SMALL) | {"knowledge_analysis": narrow})
    split = {each.kind: each for each in found.work}
    assert split["knowledge_analysis"].calls > work["knowledge_analysis"].calls
    assert (split["knowledge_analysis"].model, split["class_exam"].model) == ("openai:narrow", "openai:x")
    assert split["lesson_section"] == section

    unknown = estimate(PASSAGES, REQUEST, dict.fromkeys(KINDS, SMALL) | {"class_exam": replace(SMALL, price=None)})
    assert unknown.dollars is None


def test_parts_of_large_sources_are_read_side_by_side_and_put_together() -> None:
    def found(window: int) -> Estimate:
        narrow = replace(SMALL, abilities=Abilities(context_window=window))
        return estimate(PASSAGES, REQUEST, dict.fromkeys(KINDS, SMALL) | {"knowledge_analysis": narrow}, 1_000)

    def analyses(window: int) -> int:
        return next(each.calls for each in found(window).work if each.kind == "knowledge_analysis")

    assert [analyses(window) for window in (100_000, 10_000, 8_000)] == [1, 4, 7]
    one = 1_500 / 60 + 2  # seconds
    whole, parts, more = (found(window).minutes[0] * 60 * 2 for window in (100_000, 10_000, 8_000))
    assert parts - whole == pytest.approx(2 * one, rel=0.05)  # one alone, two side by side, and their merging
    assert more - parts == pytest.approx(one, rel=0.05)


def test_what_a_model_may_reason_is_in_the_higher_figures_until_courses_tell() -> None:
    def found(*outcomes: Outcome) -> Estimate:
        writers = dict.fromkeys(KINDS, replace(SMALL, reasoning=2_000))
        return estimate(PASSAGES, REQUEST, writers, outcomes=outcomes)

    silent, reasoning = guess(), found()
    assert silent.dollars is not None
    assert reasoning.dollars is not None
    tokens = 2_000 * silent.calls[1]
    assert reasoning.output_tokens[0] == silent.output_tokens[0]
    assert reasoning.output_tokens[1] - silent.output_tokens[1] == pytest.approx(tokens, rel=0.02)
    assert reasoning.dollars[0] == silent.dollars[0]
    assert float(reasoning.dollars[1] - silent.dollars[1]) == pytest.approx(tokens * 2 / 1e6, rel=0.02)
    assert reasoning.minutes[0] == silent.minutes[0]
    assert reasoning.minutes[1] > silent.minutes[1]
    assert reasoning.work == silent.work
    assert found(*took(1)) == guess(*took(1))


def test_longer_sections_cost_more_and_lengthen_what_is_made_of_them() -> None:
    def work(detail: str | None) -> dict[str, Work]:
        request = REQUEST.model_copy(update={"detail": detail})
        return {each.kind: each for each in estimate(PASSAGES, request, dict.fromkeys(KINDS, SMALL)).work}

    usual = work("detailed")
    assert work(None) == usual
    for detail, words in (("basic", 220), ("comprehensive", 650)):
        other = work(detail)
        assert other["lesson_section"].output == pytest.approx(usual["lesson_section"].output * words / 400, abs=1)
        longer = other["lesson_mind_map"].input - usual["lesson_mind_map"].input
        assert (longer > 0) == (words > 400)
        assert other["lesson_section"].input == usual["lesson_section"].input
