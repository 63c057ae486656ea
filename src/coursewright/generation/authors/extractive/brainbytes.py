"""A lesson's audio script: its title, sentences that stand alone (three, more up to a minute), and a recap.

Where there are none, as on slides, the items of lists are said; where there is nothing to say, there is no recap of it.
"""

import itertools
import re
from collections.abc import Sequence

from coursewright.course.model import BrainBytes, Section, Segment
from coursewright.course.plan import LessonPlan
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.section import best_sentences
from coursewright.generation.authors.extractive.sentences import is_speakable
from coursewright.generation.authors.extractive.titles import without_number
from coursewright.generation.authors.extractive.tongue import reads_as
from coursewright.generation.authors.extractive.words import count_words

_SENTENCES = 3
_MOST_SENTENCES = 8
_AIM_SECONDS = 60
_RECALLED, _RECALLED_LENGTH = 4, 150  # of names, and of all of them in characters: more is not remembered
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+(?P<text>.+)")
_ITEM_WORDS = 4


def make_brainbytes(
    lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], words: Catalogue
) -> BrainBytes:
    """Return the script, spoken at the language's pace; seconds are rounded to a tenth."""
    by_id = {passage.id: passage for passage in passages}
    shown = [
        _source(block.text, by_id[block.citations[0].passage_id])
        for section in sections
        for block in section.blocks
        if block.kind == "paragraph" and block.citations and block.citations[0].passage_id in by_id
    ]
    spoken = [words.say("brainbytes", "opening", title=words.spoken(lesson.title))]
    found = [block for block in shown if block is not None]
    chosen: list[str] = []
    for number in range(_SENTENCES, _MOST_SENTENCES + 1):
        chosen = best_sentences(found, lesson.title, words, number)
        if sum(seconds(text, words) for text in (*spoken, *chosen)) >= _AIM_SECONDS or len(chosen) < number:
            break
    chosen = chosen or _items(sections, words)
    spoken += chosen
    terms = dict.fromkeys(concept.term for section in sections for concept in section.key_concepts)
    recalled = [term for term in terms if is_speakable(term)][:_RECALLED]
    names = dict.fromkeys(without_number(plan.title) for plan in lesson.sections if is_speakable(plan.title))
    titles = _short([words.spoken(name) for name in names][:_RECALLED])
    if chosen and (len(recalled) > 1 or len(titles) > 1):  # one alone is no recap
        remembered = words.enumerate(recalled) if len(recalled) > 1 else words.series(titles)
        spoken.append(words.say("brainbytes", "recap", terms=remembered))
    segments = tuple(Segment(text=text, seconds=seconds(text, words)) for text in spoken)
    return BrainBytes(
        title=lesson.title, segments=segments, seconds=round(sum(segment.seconds for segment in segments), 1)
    )


def _short(titles: Sequence[str]) -> list[str]:
    """Return the first titles that are short enough together to be remembered."""
    lengths = itertools.accumulate(map(len, titles))
    return [title for title, length in zip(titles, lengths, strict=True) if length <= _RECALLED_LENGTH]


def _items(sections: Sequence[Section], words: Catalogue) -> list[str]:
    """Return items of lists that can be said and understood alone, up to a minute's worth."""
    lines = [
        line for one in sections for block in one.blocks if block.kind == "list" for line in block.text.splitlines()
    ]
    items = [matched["text"] for line in lines if (matched := _ITEM.fullmatch(line))]
    most = words.sentence_words[1]
    fitting = [
        item
        for item in dict.fromkeys(items)
        if is_speakable(item)
        and item[-1] not in ":：,;?？؟"
        and _ITEM_WORDS <= count_words(item, words.language) <= most
        and not words.refers_opener.match(item)
        and not words.refers_anywhere.search(item)
        and reads_as(item, words.language)
    ]
    return fitting[:_MOST_SENTENCES]


def seconds(text: str, words: Catalogue) -> float:
    """Return how long the text takes to say."""
    if words.characters_per_minute:
        return round(len(re.sub(r"\s", "", text)) * 60 / words.characters_per_minute, 1)
    return round(len(text.split()) * 60 / words.words_per_minute, 1)


def _source(text: str, passage: Passage) -> SourceBlock | None:
    start = passage.text.find(text)
    return SourceBlock(passage, "paragraph", start, start + len(text)) if start >= 0 else None


__all__ = ["make_brainbytes", "seconds"]
