"""The words of the answers: columns of the tables as they are, everything else in camel case."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from coursewright.generation.wish import AuthorName, CourseWish, storable
from coursewright.organisation import JobType

JobState = Literal["queued", "processing", "completed", "failed", "cancelled", "paused"]
TaskState = Literal["pending", "queued", "running", "retrying", "completed", "failed", "skipped", "cancelled"]
Json = dict[str, Any]
Item = TypeVar("Item")


class Columns(BaseModel):
    """A row: names are those of the table."""

    model_config = ConfigDict(from_attributes=True)


class Words(BaseModel):
    """Everything else: camel case on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Answer(Words):
    """What every good answer begins with."""

    success: Literal[True] = True


class Done(Answer):
    message: str = Field(examples=["The job is paused."])


class Order(CourseWish):
    """A request for a course."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "baseClassId": "7d9f2a34-5f0e-4c57-9d0a-2f8a3f1c6b10",
                    "title": "Keeping Honey Bees",
                    "generationMode": "kb_only",
                    "assessmentSettings": {"questionsPerLesson": 3},
                }
            ]
        }
    )

    priority: int = Field(5, ge=0, le=100, description="Higher goes first among the organisation's own jobs.")
    scheduled_for: AwareDatetime | None = Field(None, description="Not before this time (RFC 3339, with offset).")
    urgency: Literal["immediate", "batch"] = Field("immediate", description="batch: cheaper, within a day.")
    job_type: JobType = Field(
        "generate_course_v2",
        description="generate_outline stops after the outline, which another request takes up as `courseOutlineId`.",
    )


class CostEstimate(Words):
    """What a course by a model will probably cost and take; the job pauses before it would cost more than the cap."""

    low_usd: float | None
    high_usd: float | None
    cap_usd: float
    low_minutes: float
    high_minutes: float


class Enqueued(Answer):
    job_id: UUID
    status: JobState
    version: Literal["v2"] = "v2"
    message: str = Field(examples=["The course is queued."], description="With what is not done as wished, and why.")
    author: AuthorName = Field(description="Who writes.")
    model: str | None = Field(description="Of the author `llm`; null: the built-in author, or as the workers have it.")
    estimate: CostEstimate | None = Field(description="Null: no model, or the documents are still being read.")


class JobRow(Columns):
    """A row of `course_generation_jobs`."""

    id: UUID
    user_id: UUID | None
    base_class_id: UUID | None
    job_type: str
    status: JobState
    progress_percentage: int
    job_data: Json
    result_data: Json | None
    error_message: str | None
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    skipped_tasks: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    is_cleared: bool


class JobPage(JobRow):
    """A job with all its columns, and counts of its tasks."""

    organisation_id: UUID | None
    generation_config: Json | None
    performance_metrics: Json | None
    retry_configuration: Json | None
    user_actions: list[Json] | Json | None
    estimated_completion_time: datetime | None
    actual_completion_time: datetime | None
    confetti_shown: bool
    running_tasks: int
    pending_tasks: int = Field(description="Tasks that wait: for others, for a worker or for their next try.")


class OutlineLesson(Words):
    id: str
    title: str
    sections: list[str]


class OutlinePath(Words):
    id: str
    title: str
    lessons: list[OutlineLesson]


class Outline(Words):
    """The table of contents; a path is a module of the course."""

    title: str
    description: str
    objectives: list[str]
    paths: list[OutlinePath]


class Message(Columns):
    message: str
    created_at: datetime
    level: Literal["info", "warning", "error", "critical"]


class GenerationStatus(Answer):
    """What a page shows while a course is being made."""

    job: JobPage
    course_outline: Outline | None
    messages: list[Message]
    eta_seconds: float | None = Field(alias="eta_seconds", description="Seconds until the course is probably finished.")
    spend_usd: float = Field(alias="spend_usd", description="US dollars that the job's calls to models have cost.")


class JobAnswer(Answer):
    job: JobPage


class JobList(Answer):
    jobs: list[JobRow]
    next_cursor: str | None = Field(description="For `cursor`, to get what follows; null at the end.")


class Task(Columns):
    """A row of `course_generation_tasks`."""

    id: UUID
    job_id: UUID
    task_identifier: str
    task_type: str
    status: TaskState
    dependencies: list[str]
    execution_priority: int
    lesson_id: str | None
    path_id: str | None
    base_class_id: UUID | None
    section_index: int | None
    section_title: str | None
    attempt: int
    current_retry_count: int
    max_retry_count: int
    estimated_duration_seconds: int | None
    actual_duration_seconds: float | None
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    last_retry_at: datetime | None
    error_message: str | None
    error_details: Json | None
    error_severity: Literal["low", "medium", "high", "critical"] | None
    error_category: str | None
    is_recoverable: bool | None
    recovery_suggestions: list[str]
    created_at: datetime
    updated_at: datetime


class TaskSummary(Words):
    total: int
    pending: int = Field(description="Waiting: for others, for a worker or for their next try.")
    running: int
    completed: int
    failed: int
    skipped: int
    cancelled: int


class Tasks(Answer):
    tasks: list[Task]
    tasks_by_type: dict[str, list[Task]]
    summary: TaskSummary


class ErrorRow(Columns):
    """A row of `course_generation_errors`: one failure of one attempt."""

    id: UUID
    job_id: UUID
    task_id: UUID | None
    task_identifier: str | None
    task_type: str | None
    attempt: int | None
    error_message: str | None
    error_details: Json | None
    error_severity: str | None
    error_category: str | None
    is_recoverable: bool | None
    recovery_suggestions: list[str]
    will_retry: bool
    created_at: datetime


class Errors(Answer):
    errors: list[ErrorRow]
    errors_by_category: dict[str, int]


class KindMeasures(Words):
    count: int
    seconds: float | None = Field(description="Worked on, all together.")
    longest: float | None


class Analytics(Words):
    """What a job has taken."""

    queued_seconds: float | None
    total_seconds: float | None
    work_seconds: float | None
    attempts: int
    retries: int
    rescues: int
    tasks_by_type: dict[str, KindMeasures]
    calls: int = Field(description="Questions to models.")
    requests: int = Field(description="Requests to providers for them.")
    cache_hits: int = Field(description="Answers that were used again instead of a call.")
    input_tokens: int
    cached_tokens: int = Field(description="Of the input: read from the provider's cache.")
    output_tokens: int
    spend_usd: float


class AnalyticsAnswer(Answer):
    analytics: Analytics


class ActiveJob(Words):
    id: UUID
    status: JobState
    progress: int
    base_class_id: UUID | None
    base_class_name: str | None
    title: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime
    total_tasks: int
    completed_tasks: int
    failed_tasks: int


class ActiveJobs(Answer):
    jobs: list[ActiveJob]


class AnalysisDetails(Words):
    document_types: dict[str, int] = Field(examples=[{"pdf": 3, "md": 1}])
    average_chunks_per_document: float
    content_quality: Literal["low", "medium", "high"]
    concept_coverage: list[str]
    knowledge_gaps: list[str]
    learning_objectives: list[str]


Mode = Literal["kb_only", "kb_priority", "kb_supplemented"]


class KnowledgeBaseAnalysis(Words):
    total_documents: int
    total_chunks: int = Field(description="Passages.")
    content_depth: Literal["minimal", "moderate", "comprehensive"]
    subject_coverage: list[str]
    recommended_generation_mode: Mode
    analysis_details: AnalysisDetails


class GenerationMode(Words):
    title: str
    description: str
    suitable: bool


class GenerationModes(BaseModel):
    kb_only: GenerationMode
    kb_priority: GenerationMode
    kb_supplemented: GenerationMode


class ExistingOutline(Words):
    id: UUID
    job_id: UUID
    title: str
    job_type: str
    status: JobState
    created_at: datetime
    outline: Outline


class BaseAnalysis(Answer):
    knowledge_base_analysis: KnowledgeBaseAnalysis
    generation_modes: GenerationModes
    recommended_mode: Mode
    existing_course_outlines: list[ExistingOutline]


Action = Literal["retry_task", "skip_task", "pause_job", "resume_job", "cancel_job", "export_report"]


class UserAction(Words):
    """What a user does to a job."""

    job_id: UUID
    action_type: Action
    task_ids: list[str] = Field([], max_length=1000, description="Ids or identifiers; for retry_task and skip_task.")
    action_context: Annotated[Json, AfterValidator(storable)] | None = None


class TaskChoice(Words):
    """A task, by id or by identifier."""

    task_id: UUID | None = None
    task_identifier: str | None = Field(None, examples=["section-m1-l1-1"])


class Health(Answer):
    healthy: bool
    status: JobState
    message: str
    seconds_since_progress: float
    stuck_tasks: list[str] = Field(description="Tasks whose worker is silent.")


class Page(Answer, Generic[Item]):
    items: list[Item]


__all__ = [name for name in dir() if name[0].isupper()]
