"""A wish for a course in the words of the HTTP API: those of `job_data` too, in rows that other programs insert."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from coursewright.course.model import Difficulty, Mode
from coursewright.course.plan import CourseRequest, Detail, Level
from coursewright.db.storable import NOT_STORABLE
from coursewright.errors import InvalidRequest

AuthorName = Literal["extractive", "llm"]
DEFAULT_AUTHOR = "defaultAuthor"  # in job_data: who writes because nobody was named, settled once for the whole job
# What the program itself keeps in job_data: no request over HTTP may set it.
RESERVED = frozenset({"request", "terms", "leftOut", "out", DEFAULT_AUTHOR})
# What an outline holds: whoever takes it up cannot wish for it otherwise.
_SETTLED_BY_OUTLINE = frozenset(
    {"title", "description", "estimatedDurationWeeks", "lessonsPerWeek", "learningObjectives", "language"}
    | {"assessmentSettings"}
)
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
LanguageCode = Annotated[str, StringConstraints(pattern="^[a-z]{2}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000, pattern=r"^[^\x00]*$")]

_DEEPEST = 32  # levels; what reads JSON later, here or in the application, may follow no deeper


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def storable(value: Any) -> Any:
    """Return JSON that nobody here looks into. Raises ValueError for what cannot be kept, or not be read again."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        for each in level:
            if isinstance(each, str) and NOT_STORABLE.search(each):
                raise ValueError("it holds U+0000 or half a surrogate pair, which cannot be stored")
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return chain(value.keys(), value.values())
    return value if isinstance(value, list | tuple) else ()


def _lines(value: Any) -> Any:
    """Take one text for a list of its lines: forms send either."""
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return [] if value is None else value


Blank = BeforeValidator(_none_if_blank)
Lines = Annotated[
    list[Line], Field(max_length=50), BeforeValidator(_lines, json_schema_input_type=list[Line] | str | None)
]


class AssessmentSettings(BaseModel):
    """Which questions the course has, and at most how many."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel)

    include_assessments: bool = Field(True, description="Questions at the end of each lesson.")
    include_quizzes: bool = Field(True, description="A quiz at the end of each module.")
    include_final_exam: bool = Field(True, description="An exam at the end of the course.")
    assessment_difficulty: Annotated[Difficulty | None, Blank] = None
    questions_per_lesson: int | None = Field(None, ge=0, le=50)
    questions_per_quiz: int | None = Field(None, ge=0, le=100)
    questions_per_exam: int | None = Field(None, ge=0, le=200)


class CourseWish(BaseModel):
    """What a user asks for. Fields that are not known here are kept with the job and otherwise ignored."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel)

    base_class_id: UUID = Field(description="The knowledge base.")
    title: Annotated[Line | None, Blank] = Field(None, description="Default: from the sources.")
    description: Annotated[Words | None, Blank] = None
    generation_mode: Annotated[Mode | None, Blank] = Field(
        None, description="How closely to keep to the sources; default: kb_only."
    )
    estimated_duration_weeks: int | None = Field(
        None, ge=1, le=50, description="One module a week, exactly; default: as the sources carry."
    )
    academic_level: Annotated[Level | None, Blank] = None
    lesson_detail_level: Annotated[Detail | None, Blank] = None
    target_audience: Annotated[Line | None, Blank] = None
    prerequisites: Lines = []
    lessons_per_week: int | None = Field(None, ge=1, le=50, description="Lessons in each module, exactly.")
    learning_objectives: Lines = []
    assessment_settings: AssessmentSettings = AssessmentSettings()
    user_guidance: Annotated[Words | None, Blank] = None
    language: Annotated[LanguageCode | None, Blank] = Field(
        None, description="ISO 639-1; default: the sources' main language."
    )
    author: Annotated[AuthorName | None, Blank] = Field(None, description="Who writes; default: as configured.")
    model: Annotated[Line | None, Blank] = Field(
        None, description="`provider:model`, one of those that are allowed here; default: as configured."
    )
    course_outline_id: Annotated[UUID | None, Blank] = Field(
        None,
        description="The outline to make the course of. It settles the structure; its other wishes hold, too.",
    )

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return storable(value)

    def taking_up(self, earlier: Mapping[str, Any]) -> tuple[Self, tuple[str, ...]]:
        """Return the wish that takes up an outline which `earlier` (job_data) asked for, and what that overrules.

        What an outline settles is as it was asked for then; of the rest, what is not wished for now.
        """
        sent = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        now = {name: value for name, value in sent.items() if value not in (None, [])}  # forms send what is empty, too
        names = {field.alias or name for name, field in CourseWish.model_fields.items()}
        then = {name: value for name, value in earlier.items() if name in names}
        settled = {name: value for name, value in then.items() if name in _SETTLED_BY_OUTLINE}
        overruled = [name for name in now if name in _SETTLED_BY_OUTLINE and now[name] != settled.get(name)]
        kept = {name: value for name, value in now.items() if name not in overruled}
        return self.model_validate(then | kept), tuple(overruled)

    @property
    def named_author(self) -> AuthorName | None:
        """Return the author that the wish names; a model names the one that asks it."""
        return self.author or ("llm" if self.model else None)

    def request(self, author: AuthorName = "extractive") -> CourseRequest:
        """Return the same in the words of the course; `author` writes when the wish names none.

        Forms send every field of theirs. When the built-in author writes because nobody was named, what only a model
        can honour is left out and told in the course's report; a wish that names the built-in author is refused.
        """
        asked = self._asked(author)
        return asked.without_model() if self.named_author is None and author == "extractive" else asked

    def _asked(self, author: AuthorName) -> CourseRequest:
        asked = self.assessment_settings
        return CourseRequest(
            title=self.title,
            description=self.description or "",
            author=self.named_author or author,
            model=self.model,
            mode=self.generation_mode or "kb_only",
            language=self.language,
            level=self.academic_level,
            audience=self.target_audience,
            detail=self.lesson_detail_level,
            prerequisites=tuple(self.prerequisites),
            objectives=tuple(self.learning_objectives),
            guidance=self.user_guidance,
            modules=self.estimated_duration_weeks,
            lessons=self.lessons_per_week,
            questions_per_lesson=asked.questions_per_lesson if asked.include_assessments else 0,
            questions_per_quiz=asked.questions_per_quiz if asked.include_quizzes else 0,
            questions_per_exam=asked.questions_per_exam if asked.include_final_exam else 0,
            difficulty=asked.assessment_difficulty or "medium",
        )


def names_no_author(job_data: object) -> bool:
    """Tell whether it is still open who writes: as in rows that other programs insert."""
    return isinstance(job_data, dict) and not any(
        job_data.get(key) for key in ("request", "author", "model", DEFAULT_AUTHOR)
    )


_HINT = "Insert the job again: job_data as the body of POST /api/course-generation/v2, base_class_id in its column."


def course_request(job_data: object, base_class_id: UUID | None = None) -> CourseRequest:
    """Return what a job asks for: as the command line wrote it, or in the API's words.

    The knowledge base is that of the job's row, so programs that insert rows need not name it twice.
    Raises InvalidRequest.
    """
    if not isinstance(job_data, dict):
        raise InvalidRequest("job_data is no JSON object, so nobody can tell what the job asks for.", hint=_HINT)
    try:
        if "request" in job_data:
            return CourseRequest.model_validate(job_data["request"])
        named = {} if base_class_id is None else {"baseClassId": base_class_id}
        author: AuthorName = "llm" if job_data.get(DEFAULT_AUTHOR) == "llm" else "extractive"
        return CourseWish.model_validate(job_data | named).request(author)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise InvalidRequest(f"job_data cannot be used. {'; '.join(wrong[:5])}", hint=_HINT) from error


__all__ = [
    "DEFAULT_AUTHOR",
    "RESERVED",
    "AssessmentSettings",
    "AuthorName",
    "CourseWish",
    "course_request",
    "names_no_author",
    "storable",
]
