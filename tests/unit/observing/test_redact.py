"""No secret and no one's text gets into what is written for operators."""

import logging
import sys
from typing import Any

import pytest
from psycopg import DatabaseError
from pydantic import BaseModel, SecretStr, ValidationError

from coursewright.observing.redact import Redaction, in_words, secrets_in
from coursewright.settings import Settings

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhdXRob3IifQ.c2lnbmF0dXJl"


class Lesson(BaseModel):
    title: str
    number: int


def written(message: str, *arguments: Any, redaction: Redaction | None = None, exc_info: Any = None) -> str:
    """Return what a handler with the redaction writes."""
    record = logging.LogRecord("name", logging.ERROR, "file", 1, message, arguments, exc_info)
    assert (redaction or Redaction()).filter(record)
    return logging.Formatter().format(record)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgresql://ann:hunter22@db/x is away", "postgresql://ann:***@db/x is away"),
        ("redis://:hunter22@cache:6379", "redis://:***@cache:6379"),
        ("host=db password=hunter22 user=ann", "host=db password=*** user=ann"),
        ("password='hunter 22' user=ann", "password=*** user=ann"),
        (f"the token {JWT} is old", "the token *** is old"),
        ("cw_AbCdEfGhIjKlMnOpQrSt is revoked", "*** is revoked"),
        ("Incorrect API key provided: sk-proj-abc123def456.", "Incorrect API key provided: ***."),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("{'x-api-key': 'abcdef123456'}", "{'x-api-key': '***'}"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, left: str) -> None:
    assert written("%s", text) == left


@pytest.mark.parametrize(
    "text",
    [
        "task-identifier section-m1-l1-1 completed in 0.2 s",
        "https://example.com:8000/docs?page=2",
        "a key is not valid, or it was revoked",
        "Postgres cannot be reached: connection to server at 127.0.0.1 failed",
        "f3a1c0de-0000-4000-8000-000000000001",
    ],
)
def test_what_does_not_is_left_alone(text: str) -> None:
    assert written("%s", text) == text


def test_secrets_of_the_settings_are_blotted_out_wherever_they_stand() -> None:
    settings = Settings.model_validate(
        {
            "DATABASE_URL": "postgresql://ann:p%40ss-w0rd@db/x",
            "CRON_SECRET": "every-minute",
            "providers": {"openai_key": SecretStr("planted-openai-key")},
        }
    )
    redaction = Redaction(secrets_in(settings))
    said = written("p@ss-w0rd p%40ss-w0rd every-minute planted-openai-key", redaction=redaction)
    assert said.split() == ["***"] * 4


def test_a_password_that_is_the_users_name_does_not_blot_out_a_word() -> None:
    settings = Settings.model_validate({"DATABASE_URL": "postgresql://postgres:postgres@db/x"})
    assert written("is postgres there?", redaction=Redaction(secrets_in(settings))) == "is postgres there?"


def test_of_an_error_that_quotes_what_people_wrote_its_place_is_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Lesson.model_validate({"title": "The queen", "number": "a secret recipe"})
    assert in_words(caught.value) == "1 errors in Lesson: number"
    said = written("%s", caught.value)
    assert "recipe" not in said


def test_a_traceback_has_its_lines_and_causes_and_not_the_values() -> None:
    text = "a secret recipe"
    detail = f"duplicate key\nDETAIL:  Failing row contains ({text})."
    try:
        try:
            Lesson.model_validate({"title": "The queen", "number": text})
        except ValidationError as error:
            raise DatabaseError(detail) from error
    except DatabaseError:
        said = written("it broke", exc_info=sys.exc_info())
    assert text not in said
    assert said.startswith("it broke\nTraceback (most recent call last):\n")
    assert "psycopg.DatabaseError: duplicate key" in said
    assert "Lesson: number" in said
    assert "which led to" in said


def test_a_group_of_exceptions_tells_each() -> None:
    group = ExceptionGroup("two", [ValueError("one"), KeyError("two")])
    said = written("it broke", exc_info=(type(group), group, None))
    assert "ValueError: one" in said
    assert "KeyError: 'two'" in said
