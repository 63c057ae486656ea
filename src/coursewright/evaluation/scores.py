"""What came of a model's replies, in numbers; and whether they are worse than others. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from coursewright.course import walk
from coursewright.course.model import Course
from coursewright.course.quality import Quality
from coursewright.course.quality.words import count
from coursewright.evaluation.recording import RecordedReply, Recording

Unit = Literal["share", "number", "dollars"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one reply was judged."""

    task_key: str
    turn: int
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """What is measured. `better`: +1 more is better, -1 less is, 0 neither. `tolerance` is what may be lost: of a share
    in points, of all else in parts of the baseline.
    """

    name: str
    title: str
    unit: Unit
    better: Literal[-1, 0, 1]
    tolerance: float = 0.0


SCORES = (
    Score("right_at_once", "Calls answered right at once", "share", 1, 0.02),
    Score("repairs", "Repairs a call", "number", -1, 0.10),
    Score("substituted", "Parts that the built-in author wrote", "share", -1, 0.005),
    Score("unanswered", "Repairs asked for and not recorded", "number", 0),
    Score("citation_recall", "Sentences carried by what they cite", "share", 1, 0.01),
    Score("citation_precision", "Citations that carry something", "share", 1, 0.01),
    Score("citation_validity", "Citations that are exact", "share", 1, 0.0),
    Score("uncited", "Blocks without a citation", "share", -1, 0.02),
    Score("questions_kept", "Questions kept, of those wanted", "share", 1, 0.02),
    Score("item_flaws", "Questions without two writing flaws", "share", 1, 0.01),
    Score("source_coverage", "Sections of the sources cited", "share", 1, 0.02),
    Score("words", "Words of the course", "number", 0),
    Score("input_tokens", "Tokens in", "number", 0),
    Score("output_tokens", "Tokens out", "number", 0),
    Score("dollars", "Dollars", "dollars", -1, 0.05),
)

# What a rejection says, by its own words; the first that fits. A rejected reply can have several.
_REASONS: tuple[tuple[str, str], ...] = (
    ("cut off", r"was cut off"),
    ("refused", r"the model refused"),
    ("filtered by the provider", r"filter held"),
    ("no JSON", r"It is no JSON object"),
    ("not of the schema", r"Field required|Input should|Extra inputs"),
    ("unknown passage", r"there is no passage|were not shown"),
    ("number or name not in the sources", r"do not hold the (number|name)|numbers that the lesson lacks"),
    ("not carried by the sources", r"hold too few of its words|do(es)? not occur in the lesson|four of five must"),
    ("cites nothing", r"cites no passage|no passage is cited|names no passage"),
    ("another language", r"(is|are) in '"),
    ("said twice", r"are the same|stands twice|nearly the same|the same passage|equal or empty titles|the same match"),
    ("wrong number of parts", r"were asked for|at least one is needed|3 to 7 are wanted|is no module"),
    ("question not usable", r"question \d+ \(|questions can be used"),
    ("too long or too short", r"has more than|seconds to say|has no text"),
    ("cannot be spoken", r"code, an address or a table"),
    ("names no subject", r"names no subject|has no objective"),
)
OTHER = "other"


def reasons(text: str) -> tuple[str, ...]:
    """Return what a rejection was for."""
    return tuple(name for name, pattern in _REASONS if re.search(pattern, text)) or (OTHER,)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one recording; `values` by the names of SCORES, None where there is nothing to measure."""

    knowledge_base: str
    prompts: str
    models: tuple[str, ...]
    passages: int
    calls: int
    values: dict[str, float | None]
    rejections: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Scores beside those of a baseline; `worse` and `better` name what differs by more than is tolerated."""

    scores: Scores
    baseline: Scores
    worse: tuple[str, ...]
    better: tuple[str, ...]


def score(
    recording: Recording,
    course: Course,
    quality: Quality,
    verdicts: Sequence[Verdict],
    *,
    used: Sequence[RecordedReply],
    unanswered: int,
    substituted: int,
    written: int,
    questions_wanted: int,
    questions_kept: int,
) -> Scores:
    """Put together what one replay showed. `written`: parts of the course, `used`: the replies that were asked for."""
    calls = len({verdict.task_key for verdict in verdicts})
    at_once = sum(verdict.accepted and verdict.turn == 0 for verdict in verdicts)
    values: dict[str, float | None] = {
        "right_at_once": _share(at_once, calls),
        "repairs": _share(sum(verdict.turn > 0 for verdict in verdicts), calls),
        "substituted": _share(substituted, written),
        "unanswered": unanswered,
        "questions_kept": _share(questions_kept, questions_wanted),
        "words": count(block.text for _, block in walk.blocks(course)),
        "input_tokens": sum(reply.usage.input for reply in used),
        "output_tokens": sum(reply.usage.output for reply in used),
        "dollars": sum(reply.dollars for reply in used),
    }
    for measure in quality.measures:
        if measure.name in {each.name for each in SCORES} - {"substituted"}:
            values[measure.name] = measure.value
    rejections = Counter(reason for verdict in verdicts if not verdict.accepted for reason in reasons(verdict.reason))
    return Scores(
        knowledge_base=recording.knowledge_base,
        prompts=recording.head.prompts,
        models=tuple(dict.fromkeys(recording.head.models.values())),
        passages=len(recording.passages),
        calls=calls,
        values={each.name: values.get(each.name) for each in SCORES},
        rejections=dict(rejections.most_common()),
    )


def compare(scores: Scores, baseline: Scores) -> Comparison:
    """Say what is worse and what is better than in a baseline of the same knowledge base."""
    worse, better = [], []
    for each in SCORES:
        new, old = scores.values.get(each.name), baseline.values.get(each.name)
        if new is None or old is None or not each.better:
            continue
        lost = (old - new) * each.better
        allowed = each.tolerance if each.unit == "share" else each.tolerance * abs(old)
        if lost > allowed + 1e-9:
            worse.append(each.name)
        elif -lost > allowed + 1e-9:
            better.append(each.name)
    return Comparison(scores, baseline, tuple(worse), tuple(better))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


__all__ = ["OTHER", "SCORES", "Comparison", "Score", "Scores", "Verdict", "compare", "reasons", "score"]
