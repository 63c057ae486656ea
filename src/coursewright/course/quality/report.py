"""The quality report: what `quality.json` holds."""

from pydantic import Field

from coursewright.course.model import Part

QUALITY_VERSION = "1.0"


class Flag(Part):
    """One thing that a course author can look at: where (path of ids), what it says, why it is flagged."""

    where: str
    what: str
    why: str


class Measure(Part):
    """One measure. `value` and `passed` are null when it does not apply (nothing to measure, another language)."""

    name: str
    title: str
    value: float | None
    aim: str
    passed: bool | None
    figures: dict[str, float] = Field(default_factory=dict, description="The counts that the value is made of.")
    flags: tuple[Flag, ...] = ()


class LeftOut(Part):
    """A document that gave nothing to the course, and why."""

    document: str
    reason: str


class ReadingWarning(Part):
    """What a document lost when it was read, or what was guessed."""

    document: str
    warning: str


class LanguageShare(Part):
    """What a course takes from the sources of one language."""

    language: str
    passages: int = Field(description="Passages of this language that the course may cite.")
    cited: int = Field(description="Those of them that it does cite.")
    words: int


class Quality(Part):
    """Every measure of a course that needs no model, and what its author should know."""

    schema_version: str = QUALITY_VERSION
    course: str
    language: str
    passed: bool = Field(description="No measure failed.")
    flagged: int = Field(description="Flags of all measures.")
    measures: tuple[Measure, ...]
    shortfalls: tuple[str, ...] = Field((), description="What was asked for and could not be made, with the reason.")
    gaps: tuple[str, ...] = Field((), description="What learners would expect and the sources do not cover.")
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[ReadingWarning, ...] = Field((), description="Documents that were not read whole, or by guesses.")
    languages: tuple[LanguageShare, ...] = ()

    def measure(self, name: str) -> Measure:
        """Return the measure of that name; raises KeyError."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(name)


__all__ = ["QUALITY_VERSION", "Flag", "LanguageShare", "LeftOut", "Measure", "Quality", "ReadingWarning"]
