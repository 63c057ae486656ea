"""The course: the product, and the contract of `course.json`.

Text fields hold plain text with one piece of markup: `inline code` between backticks. A list block has one item a
line (`- ` or `1. `, indented by two spaces a level), a table block is a pipe table whose second line is the rule, a
code block is the code itself.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.0"
_ABOUT = (
    "What it is about. Empty with the built-in author: sources seldom hold a sentence that says so of just this part, "
    "and it writes none of its own."
)

Mode = Literal["kb_only", "kb_priority", "kb_supplemented"]
BlockKind = Literal["paragraph", "list", "table", "code", "figure", "note"]
Difficulty = Literal["easy", "medium", "hard"]
Bloom = Literal["remember", "understand", "apply", "analyse", "evaluate", "create"]


class Part(BaseModel):
    """Base of every piece of a course: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Citation(Part):
    """The passage that supports a sentence or block, and a verbatim quote from it."""

    passage_id: str
    quote: str = Field(min_length=1, description="A verbatim substring of the passage's text.")


class Block(Part):
    id: str
    kind: BlockKind
    text: str = Field(min_length=1)
    citations: tuple[Citation, ...] = ()


class KeyConcept(Part):
    term: str
    explanation: str
    citations: tuple[Citation, ...] = ()


class Option(Part):
    id: str
    text: str
    correct: bool


class Pair(Part):
    """One line of a matching question: the prompt, and the id of the option that belongs to it."""

    prompt: str
    option: str


class _Question(Part):
    id: str
    stem: str = Field(min_length=1)
    options: tuple[Option, ...] = ()
    explanation: str = ""
    difficulty: Difficulty = "medium"
    bloom: Bloom = "remember"
    objective: str = Field("", description="The objective, word for word, that the question examines.")
    citations: tuple[Citation, ...] = ()


class MultipleChoice(_Question):
    kind: Literal["multiple_choice"] = "multiple_choice"
    answer: str = Field(description="The id of the one correct option.")


class MultipleResponse(_Question):
    kind: Literal["multiple_response"] = "multiple_response"
    answer: tuple[str, ...] = Field(description="The ids of all correct options.")


class TrueFalse(_Question):
    kind: Literal["true_false"] = "true_false"
    answer: bool


class Matching(_Question):
    """Options are the right-hand side in the order they are shown; the answer lists every prompt with its option."""

    kind: Literal["matching"] = "matching"
    answer: tuple[Pair, ...]


class Ordering(_Question):
    """Options are in the order they are shown; the answer is the correct order of their ids."""

    kind: Literal["ordering"] = "ordering"
    answer: tuple[str, ...]


class Cloze(_Question):
    """The stem has one `____` a gap; options, if any, are a word bank; the answer lists the accepted words a gap."""

    kind: Literal["cloze"] = "cloze"
    answer: tuple[tuple[str, ...], ...]


class ShortAnswer(_Question):
    kind: Literal["short_answer"] = "short_answer"
    answer: tuple[str, ...] = Field(description="Accepted answers, the model answer first.")


class LongAnswer(_Question):
    kind: Literal["long_answer"] = "long_answer"
    answer: str = Field(description="The model answer.")
    rubric: tuple[str, ...] = ()


Question = Annotated[
    MultipleChoice | MultipleResponse | TrueFalse | Matching | Ordering | Cloze | ShortAnswer | LongAnswer,
    Field(discriminator="kind"),
]


class QuestionSet(Part):
    """An assessment (lesson), a quiz (module) or the exam (course)."""

    questions: tuple[Question, ...] = ()


class Section(Part):
    id: str
    title: str
    blocks: tuple[Block, ...]
    key_concepts: tuple[KeyConcept, ...] = ()
    examples: tuple[Block, ...] = ()
    summary: str = ""


class Branch(Part):
    title: str
    branches: tuple["Branch", ...] = ()


class MindMap(Part):
    topic: str
    branches: tuple[Branch, ...] = ()


class Segment(Part):
    text: str
    seconds: float


class BrainBytes(Part):
    """A lesson's audio script of 1-3 minutes."""

    title: str
    segments: tuple[Segment, ...]
    seconds: float


class Lesson(Part):
    id: str
    title: str
    description: str = Field("", description=_ABOUT)
    objectives: tuple[str, ...] = ()
    minutes: int = Field(0, ge=0, description="Reading time plus questions, in whole minutes.")
    sections: tuple[Section, ...] = ()
    assessment: QuestionSet = QuestionSet()
    mind_map: MindMap | None = None
    brainbytes: BrainBytes | None = None


class Module(Part):
    id: str
    title: str
    description: str = Field("", description=_ABOUT)
    objectives: tuple[str, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    quiz: QuestionSet = QuestionSet()


class Source(Part):
    """A passage that the course may cite, verbatim, with where it stands in its document.

    `start` and `end` are character offsets into the document's extracted text; `page` counts from 1, `time_code` is
    `hh:mm:ss`; `sha256` is of the UTF-8 text.
    """

    passage_id: str
    document: str
    title: str
    licence: str = ""
    attribution: str = ""
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    time_code: str | None = None
    start: int
    end: int
    language: str
    text: str
    sha256: str


class Provenance(Part):
    author: str = Field(description="`extractive` or `llm`.")
    model: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    notice: str = Field("", description="A sentence for readers on how the course was made.")


class Course(Part):
    schema_version: str = SCHEMA_VERSION
    title: str
    description: str = Field("", description=_ABOUT)
    language: str
    objectives: tuple[str, ...] = ()
    mode: Mode = "kb_only"
    provenance: Provenance
    modules: tuple[Module, ...] = ()
    exam: QuestionSet = QuestionSet()
    sources: tuple[Source, ...] = ()


__all__ = [
    "SCHEMA_VERSION",
    "Block",
    "BlockKind",
    "Bloom",
    "BrainBytes",
    "Branch",
    "Citation",
    "Cloze",
    "Course",
    "Difficulty",
    "KeyConcept",
    "Lesson",
    "LongAnswer",
    "Matching",
    "MindMap",
    "Mode",
    "Module",
    "MultipleChoice",
    "MultipleResponse",
    "Option",
    "Ordering",
    "Pair",
    "Provenance",
    "Question",
    "QuestionSet",
    "Section",
    "Segment",
    "ShortAnswer",
    "Source",
    "TrueFalse",
]
