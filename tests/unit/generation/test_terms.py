"""What a job says of money and time, whoever wrote it."""

import pytest

from coursewright.errors import InvalidRequest
from coursewright.generation.terms import job_terms


@pytest.mark.parametrize(
    "said, urgency",
    [
        ({}, "normal"),
        ({"urgency": "immediate"}, "normal"),  # as the HTTP API writes it
        ({"urgency": "batch"}, "batch"),
        ({"urgency": "batch", "terms": {"budget": 2}}, "batch"),
        ({"urgency": "immediate", "terms": {"urgency": "batch"}}, "batch"),  # the terms are what was agreed
    ],
)
def test_the_urgency_beside_a_request_counts_where_the_terms_say_nothing(said: dict[str, object], urgency: str) -> None:
    assert job_terms(said).urgency == urgency


@pytest.mark.parametrize("said", [{"urgency": "yesterday"}, {"terms": 5}, {"terms": {"budget": -1}}])
def test_terms_that_cannot_be_used_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="terms in job_data"):
        job_terms(said)
