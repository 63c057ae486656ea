"""The JSON Schema of `course.json`, for programs that are not written in Python."""

import json

from coursewright.course.model import SCHEMA_VERSION, Course


def course_schema() -> str:
    """Return the schema (draft 2020-12) as it stands in `docs/reference/course.schema.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Coursewright course {SCHEMA_VERSION}",
        **{key: value for key, value in Course.model_json_schema(mode="serialization").items() if key != "title"},
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


__all__ = ["course_schema"]
