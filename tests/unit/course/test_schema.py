"""The published schema is current, and an exported course obeys it."""

import json
from pathlib import Path

import jsonschema
import pytest

from coursewright.course.schema import course_schema
from coursewright.exporters.export import render_json
from tests.sample_course import sample_course

PUBLISHED = Path(__file__).parents[3] / "docs/reference/course.schema.json"


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text("utf-8") == course_schema(), "run `make docs`"


def test_an_exported_course_obeys_the_schema() -> None:
    schema = json.loads(course_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(render_json(sample_course())), schema)


def test_the_schema_refuses_what_the_model_refuses() -> None:
    course = json.loads(render_json(sample_course()))
    course["modules"][0]["lessons"][0]["assessment"]["questions"][0]["kind"] = "riddle"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(course, json.loads(course_schema()))
