"""What a model is asked to answer with: JSON of a fixed depth.

Every field is required and no field has counts or patterns, because providers differ in what their strict modes take
(counts are checked afterwards). Sources are named by the aliases under which the passages were shown: `S1`, `S2`, …
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireConcept(Wire):
    term: str
    definition: str = Field(description="One sentence that says what the term means, close to the source's words.")
    sources: list[str]


class WireAnalysis(Wire):
    subjects: list[str] = Field(description="What the sources are about, the most important first, 3 to 12.")
    concepts: list[WireConcept] = Field(description="The terms that a course on these sources must explain.")
    gaps: list[str] = Field(description="What a learner would expect here and the sources do not cover.")


class WireSectionPlan(Wire):
    title: str
    summary: str = Field(description="One sentence: what this section teaches and the neighbours do not.")
    sources: list[str]


class WireLessonPlan(Wire):
    title: str
    description: str
    objectives: list[str] = Field(description="2 to 4, each beginning with a measurable verb.")
    quiz_objective: str = Field(description="What the module's quiz asks about this lesson.")
    exam_objective: str = Field(description="What the final exam asks about this lesson; another aspect.")
    sections: list[WireSectionPlan]


class WireModulePlan(Wire):
    title: str
    description: str
    objectives: list[str]
    lessons: list[WireLessonPlan]


class WireOutline(Wire):
    title: str
    description: str
    objectives: list[str]
    modules: list[WireModulePlan]


class WireBlock(Wire):
    kind: Literal["paragraph", "list", "table", "code", "note"]
    text: str
    sources: list[str] = Field(description="The passages that carry every sentence of the block; empty: an addition.")


class WireSection(Wire):
    blocks: list[WireBlock]
    examples: list[WireBlock]
    key_concepts: list[WireConcept]
    summary: str = Field(description="One sentence.")


class WireOption(Wire):
    text: str
    correct: bool


class WirePair(Wire):
    prompt: str
    match: str


class WireQuestion(Wire):
    kind: Literal["multiple_choice", "multiple_response", "true_false", "matching", "ordering", "cloze", "short_answer"]
    stem: str
    options: list[WireOption] = Field(description="Of multiple_choice and multiple_response; else empty.")
    pairs: list[WirePair] = Field(description="Of matching; else empty.")
    answers: list[str] = Field(
        description="ordering: the steps in their right order; cloze and short_answer: the accepted answers; "
        "true_false: one entry, `true` or `false`; else empty."
    )
    explanation: str = Field(description="Why the answer is right, from the sources.")
    difficulty: Literal["easy", "medium", "hard"]
    bloom: Literal["remember", "understand", "apply", "analyse", "evaluate", "create"]
    objective: int = Field(description="The number of the objective that the question examines.")
    sources: list[str]


class WireQuestions(Wire):
    questions: list[WireQuestion]


class WireLeaf(Wire):
    title: str


class WireBranch(Wire):
    title: str
    branches: list[WireLeaf]


class WireMindMap(Wire):
    branches: list[WireBranch]


class WireBrainBytes(Wire):
    title: str
    segments: list[str] = Field(description="What is said, a paragraph each, in order.")


__all__ = [
    "Wire",
    "WireAnalysis",
    "WireBlock",
    "WireBrainBytes",
    "WireConcept",
    "WireLeaf",
    "WireMindMap",
    "WireOutline",
    "WireQuestion",
    "WireQuestions",
    "WireSection",
]
