"""Reads mind maps and brain bytes: what a lesson already says, in other shapes."""

import re
from collections.abc import Sequence

from coursewright.course.model import BrainBytes, Branch, MindMap, Mode, Section, Segment
from coursewright.course.plan import LessonPlan
from coursewright.course.quality import words
from coursewright.course.quality.support import Support
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.grounding import CARRIED, KNOWN
from coursewright.generation.authors.llm.plain import UNSPACED, other_language, plain, sentences_joined
from coursewright.generation.authors.llm.wire import WireBrainBytes, WireMindMap

_LABEL_WORDS = 6
_BRANCHES = range(3, 8)
_WORDS_A_MINUTE, _CHARACTERS_A_MINUTE = 150, 300
_SECONDS = range(30, 181)
_OWN_WORDS = 0.25  # of the sentences: what comes next, a recap
_ASKS = ("?", "？", "؟", "か。")
_UNSPEAKABLE = re.compile(r"https?://|www\.|[\w.+-]+@[\w-]+\.\w|`|(?:^|\s)(?:/[\w.-]+){2,}|\|.*\|")


def lesson_text(sections: Sequence[Section]) -> str:
    """Return a lesson as plain text, for a prompt."""
    return "\n\n".join(
        f"## {section.title}\n\n" + "\n\n".join(block.text for block in section.blocks) for section in sections
    )


def read_mind_map(
    wire: WireMindMap, lesson: LessonPlan, sections: Sequence[Section], language: str
) -> MindMap | Unusable:
    """Return the mind map; labels too long, said twice or strange to the lesson are problems."""
    problems: list[str] = []
    if len(wire.branches) not in _BRANCHES:
        problems.append(f"{len(wire.branches)} main branches; 3 to 7 are wanted.")
    support = Support({"lesson": f"{lesson_text(sections)} {lesson.title}"}, language)
    seen: set[str] = {lesson.title.casefold()}
    branches = []
    for wire_branch in wire.branches:
        labels = [plain(wire_branch.title), *(plain(leaf.title) for leaf in wire_branch.branches)]
        for label in labels:
            if len(words.words(label)) > _LABEL_WORDS and language not in UNSPACED:
                problems.append(f"“{label}” has more than {_LABEL_WORDS} words.")
            elif support.why_not(label.casefold(), ("lesson",), least=KNOWN):  # capitals are no names in a label
                problems.append(f"“{label}” does not occur in the lesson.")
        fresh = [label for label in labels[1:] if label and label.casefold() not in seen]
        seen.update(label.casefold() for label in labels)
        branches.append(Branch(title=labels[0], branches=tuple(Branch(title=label) for label in fresh)))
    return Unusable(tuple(problems)) if problems else MindMap(topic=lesson.title, branches=tuple(branches))


def read_brainbytes(
    wire: WireBrainBytes, sections: Sequence[Section], mode: Mode, language: str
) -> BrainBytes | Unusable:
    """Return the script; what cannot be spoken, is too long, or says what the lesson does not is a problem.

    A few sentences may be the model's own; in `kb_only` they are left out, unless they tell nothing.
    """
    lesson = lesson_text(sections)
    support = Support({"lesson": lesson}, language)
    problems: list[str] = []
    spoken = [words.sentences(plain(one), language) for one in wire.segments]
    sentences = [sentence for segment in spoken for sentence in segment]
    free = _telling_nothing(sentences, support)
    added = [one for one in sentences if one not in free and support.why_not(one, ("lesson",), least=CARRIED)]
    if len(added) > _OWN_WORDS * len(sentences):
        excerpt = words.excerpt(added[0], 100)
        problems.append(f"{len(added)} of {len(sentences)} sentences do not occur in the lesson, such as “{excerpt}”.")
    struck = set(added) if mode == "kb_only" else set()
    segments = []
    for number, (one, segment) in enumerate(zip(wire.segments, spoken, strict=True), 1):
        text = plain(one)
        if struck.intersection(segment):
            text = sentences_joined([sentence for sentence in segment if sentence not in struck], language)
        if _UNSPEAKABLE.search(one):
            problems.append(f"segment {number} has code, an address or a table in it.")
        if strange := sorted(words.numbers(plain(one)) - words.numbers(lesson)):
            problems.append(f"segment {number} has numbers that the lesson lacks: {', '.join(strange)}.")
        if text:
            segments.append(Segment(text=text, seconds=_seconds(text, language)))
    total = round(sum(segment.seconds for segment in segments), 1)
    if int(total) not in _SECONDS:
        problems.append(f"it takes {total:.0f} seconds to say; 60 to 120 are wanted.")
    if stray := other_language(" ".join(segment.text for segment in segments), language):
        problems.append(f"the text is in '{stray}'; the course is in '{language}'.")
    if problems:
        return Unusable(tuple(problems))
    return BrainBytes(title=plain(wire.title), segments=tuple(segments), seconds=total)


def _telling_nothing(sentences: Sequence[str], support: Support) -> set[str]:
    """Return what may be said in words that the lesson lacks, once: a greeting, a farewell, questions; but no name."""
    free = {*sentences[:1], *sentences[-1:], *(one for one in sentences if one.endswith(_ASKS))}
    return {one for one in free if sentences.count(one) == 1 and not support.why_not(one, ("lesson",), least=0.0)}


def _seconds(text: str, language: str) -> float:
    if language in UNSPACED:
        return round(len("".join(text.split())) * 60 / _CHARACTERS_A_MINUTE, 1)
    return round(len(text.split()) * 60 / _WORDS_A_MINUTE, 1)


__all__ = ["lesson_text", "read_brainbytes", "read_mind_map"]
