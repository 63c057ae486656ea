"""Every structural fault that a course can have is found, and a sound course has none."""

from typing import Any

import pytest

from coursewright.course.checks import check, check_question
from coursewright.course.model import Course, Question
from tests.sample_course import sample_course

QUESTIONS: dict[str, Question] = {
    question.kind: question for question in sample_course().modules[0].lessons[0].assessment.questions
}


def codes(course: Course) -> set[str]:
    return {finding.code for finding in check(course)}


def changed(**change: Any) -> Course:
    return Course.model_validate({**sample_course().model_dump(), **change})


def test_a_sound_course_has_no_findings() -> None:
    assert check(sample_course()) == ()


def test_an_id_used_twice_is_named_with_both_places() -> None:
    course = sample_course().model_dump()
    course["modules"][0]["lessons"][1]["sections"][0]["blocks"][0]["id"] = "b-1"
    (finding,) = check(Course.model_validate(course))
    assert (finding.code, finding.where) == ("id_twice", "mod-1/les-steps/sec-steps/b-1")
    assert "mod-1/les-index/sec-index/b-1" in finding.message


def test_a_citation_of_an_unknown_passage_is_found() -> None:
    assert codes(changed(sources=sample_course().model_dump()["sources"][1:])) == {"citation_unknown"}


def test_a_quote_that_is_not_verbatim_is_found() -> None:
    course = sample_course().model_dump()
    course["modules"][0]["lessons"][0]["sections"][0]["blocks"][0]["citations"][0]["quote"] = (
        "A package index is a list"
    )
    assert codes(Course.model_validate(course)) == {"quote_not_verbatim"}


def test_a_source_whose_text_was_changed_is_found() -> None:
    course = sample_course().model_dump()
    course["sources"][0]["text"] += " More."
    assert codes(Course.model_validate(course)) == {"source_changed", "source_offsets"}


@pytest.mark.parametrize(
    "path, code",
    [((), "no_modules"), (("modules", 0), "no_lessons"), (("modules", 0, "lessons", 0), "no_sections")],
)
def test_empty_parts_are_found(path: tuple[str | int, ...], code: str) -> None:
    course: Any = sample_course().model_dump()
    part = course
    for step in path:
        part = part[step]
    part[{"no_modules": "modules", "no_lessons": "lessons", "no_sections": "sections"}[code]] = ()
    assert code in codes(Course.model_validate(course))


@pytest.mark.parametrize(
    "kind, change, code",
    [
        ("multiple_choice", {"answer": "a0"}, "answer_mismatch"),
        ("multiple_choice", {"options": ()}, "too_few_options"),
        ("multiple_response", {"answer": ("b0",)}, "answer_mismatch"),
        ("matching", {"options": ()}, "answer_mismatch"),
        ("ordering", {"answer": ("o0", "o1", "o2")}, "answer_mismatch"),
        ("ordering", {"answer": ("o0", "o1", "o2", "o2")}, "answer_mismatch"),
        ("cloze", {"answer": (("repository",),)}, "answer_mismatch"),
        ("cloze", {"answer": (("repository",), ())}, "answer_empty"),
        ("cloze", {"stem": "No gap."}, "answer_mismatch"),
        ("short_answer", {"answer": ()}, "answer_empty"),
        ("long_answer", {"answer": " "}, "answer_empty"),
        ("true_false", {"citations": ()}, "question_uncited"),
    ],
)
def test_a_question_of_the_wrong_shape_is_found(kind: str, change: dict[str, Any], code: str) -> None:
    question: Question = QUESTIONS[kind].model_copy(update=change)
    assert code in {finding.code for finding in check_question(question, "here")}


def test_two_keys_of_a_multiple_choice_are_found() -> None:
    question = QUESTIONS["multiple_choice"]
    options = tuple(option.model_copy(update={"correct": True}) for option in question.options)
    findings = list(check_question(question.model_copy(update={"options": options}), "here"))
    assert "one_key" in {finding.code for finding in findings}


def test_equal_options_are_found() -> None:
    question = QUESTIONS["multiple_choice"]
    options = tuple(option.model_copy(update={"text": "Same"}) for option in question.options)
    findings = list(check_question(question.model_copy(update={"options": options}), "here"))
    assert "option_text_twice" in {finding.code for finding in findings}
