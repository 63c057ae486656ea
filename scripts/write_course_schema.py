"""Write docs/reference/course.schema.json from the model."""

from pathlib import Path

from coursewright.course.schema import course_schema

Path(__file__).parents[1].joinpath("docs/reference/course.schema.json").write_text(course_schema(), "utf-8")
