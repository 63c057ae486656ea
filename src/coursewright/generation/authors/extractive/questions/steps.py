"""Ordering questions: numbered steps of a procedure, put back in order."""

import re
from collections.abc import Iterator, Sequence

from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import path_of
from coursewright.generation.authors.extractive.questions.draft import Draft
from coursewright.generation.authors.extractive.sentences import sentences
from coursewright.generation.authors.extractive.titles import telling
from coursewright.generation.authors.extractive.words import count_words

_FEWEST, _MOST = 3, 8
_STEP_WORDS = 25
_NUMBERED = re.compile(r"^\d+[.)]\s+")
_BACK = re.compile(r"\b(?:step|steps|Schritt|étape|paso)\s+\d", re.I)


def ordering(shown: Sequence[SourceBlock], section: str, words: Catalogue) -> Iterator[Draft]:
    """Yield an ordering question for every numbered list that is a procedure and does not tell its own order."""
    lead = ""
    for block in shown:
        if block.kind == "list":
            title = telling(path_of(block.passage), words)
            if words.procedure.search(lead) or words.procedure.search(title):
                yield from _from_list(block, title, section, words)
        lead = block.text if block.kind in ("paragraph", "note") else ""


def _from_list(block: SourceBlock, title: str, section: str, words: Catalogue) -> Iterator[Draft]:
    lines = block.text.splitlines()
    starts = [i for i, line in enumerate(lines) if _NUMBERED.match(line)]
    if not _FEWEST <= len(starts) <= _MOST or starts[0] != 0:
        return
    steps = []
    for i in starts:
        step = _NUMBERED.sub("", lines[i]).strip()
        spans = sentences(step, words.language)
        if not spans:
            return
        steps.append(step[spans[0][0] : spans[0][1]])
    clear = all(
        count_words(step, words.language) <= _STEP_WORDS
        and not words.sequence.match(step)
        and not words.refers_anywhere.search(step)
        and not _BACK.search(step)
        and not step.endswith((":", "："))
        for step in steps
    )
    if clear and len({step.casefold() for step in steps}) == len(steps) and title:
        yield Draft(
            kind="ordering",
            form="ordering",
            subjects=(f"steps of {title}".casefold(),),
            section=section,
            stem=words.say("stems", "ordering", title=title),
            objective=words.say("objectives", "order", title=title),
            explanation="\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
            citations=tuple((block.passage.id, step) for step in steps),
            options=tuple((step, True) for step in steps),
            bloom="understand",
        )


__all__ = ["ordering"]
