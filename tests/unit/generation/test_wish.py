"""A wish in the words of the HTTP API becomes a request for a course."""

from uuid import UUID

import pytest

from coursewright.errors import InvalidRequest
from coursewright.generation.authors.extractive.analysis import refuse_what_needs_a_model
from coursewright.generation.wish import course_request

_FORM = {
    "baseClassId": str(UUID(int=1)), "academicLevel": "college", "lessonDetailLevel": "comprehensive",
    "targetAudience": "Nurses", "generationMode": "kb_supplemented", "userGuidance": "", "lessonsPerWeek": 2,
}  # fmt: skip


def test_a_form_without_an_author_loses_what_needs_a_model_and_says_so() -> None:
    request = course_request(_FORM)
    refuse_what_needs_a_model(request)
    assert (request.mode, request.level, request.audience, request.detail) == ("kb_only", None, None, None)
    assert request.lessons == 2
    assert request.unhonoured == ("mode kb_supplemented", "a reading level", "an audience", "comprehensive lessons")


def test_a_wish_that_names_its_author_is_kept_whole() -> None:
    assert course_request(_FORM | {"author": "llm"}).audience == "Nurses"
    with pytest.raises(InvalidRequest, match="an audience"):
        refuse_what_needs_a_model(course_request(_FORM | {"author": "extractive"}))


def test_the_knowledge_base_of_the_row_suffices() -> None:
    assert course_request({"title": "Bees"}, UUID(int=1)).title == "Bees"


@pytest.mark.parametrize(
    "job_data, why",
    [
        (["a list"], "no JSON object"),
        (None, "no JSON object"),
        ({"lessonsPerWeek": "many"}, "lessonsPerWeek: Input should be a valid integer"),
        ({"request": {"modules": -1}}, "modules: "),
        ({"academicLevel": "13th-grade"}, "academicLevel: "),
    ],
)
def test_what_cannot_be_used_is_said_in_words(job_data: object, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why) as raised:
        course_request(job_data, UUID(int=1))
    assert "job_data" in raised.value.hint
