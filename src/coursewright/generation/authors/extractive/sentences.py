"""Sentences as exact spans, and the test whether one can stand alone."""

import re

import sentencex

from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.tongue import reads_as
from coursewright.generation.authors.extractive.words import count_words

_CLOSED = re.compile(r"[.!?。！？؟…][\"”’»」』)\]]*$")
_MARKER = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_UNSPEAKABLE = re.compile(r"[`|=@$_<>{}\[\]\\~^*#•→]|https?:|www\.|(?:^|\s)\.{0,2}/\w|\w/\w+/|\w\(\)")
_PAIRS = (("(", ")"), ("“", "”"), ("«", "»"), ("「", "」"), ("„", "“"))


def sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences of one block, without the white space around them.

    None goes over the end of a line: what stands there is the title of a note, or a line of its own.
    """
    spans = []
    for found in sentencex.get_sentence_boundaries(language or "en", text):
        start = found["start_index"]
        for line in text[start : found["end_index"]].splitlines(keepends=True):
            stripped = line.strip()
            if stripped:
                first = start + len(line) - len(line.lstrip())
                spans.append((first, first + len(stripped)))
            start += len(line)
    return spans


def sentence_with(quote: str, text: str, language: str) -> str:
    """Return the whole sentence of a text that holds the quote, "" when none does."""
    line = next((_MARKER.sub("", line) for line in text.split("\n") if quote in line and "|" not in line), "")
    found = (line[start:end] for start, end in sentences(line, language))
    return next((sentence for sentence in found if quote in sentence and is_closed(sentence)), "")


def is_closed(sentence: str) -> bool:
    """Tell whether a sentence ends as one, with its brackets and quotation marks closed."""
    if not _CLOSED.search(sentence):
        return False
    if any(sentence.count(left) != sentence.count(right) for left, right in _PAIRS[:-1] if left != "“"):
        return False
    return sentence.count("“") + sentence.count("„") == sentence.count("”") or "„" in sentence


def is_standalone(sentence: str, words: Catalogue) -> bool:
    """Tell whether a reader understands the sentence without what stood before it."""
    least, most = words.sentence_words
    return (
        is_closed(sentence)
        and not sentence.endswith(("?", "？", "؟"))
        and (sentence[0].isupper() or not sentence[0].islower())
        and not sentence[0].isdigit()  # mostly a step that lost its list
        and sentence[0] not in "-–—•(…،؛、,;:"
        and least <= count_words(sentence, words.language) <= most
        and not words.refers_opener.match(sentence)
        and not words.refers_anywhere.search(sentence)
        and reads_as(sentence, words.language)
    )


def is_speakable(sentence: str) -> bool:
    """Tell whether the sentence can be read aloud: no code, address, path, formula or table in it."""
    return not _UNSPEAKABLE.search(sentence)


__all__ = ["is_closed", "is_speakable", "is_standalone", "sentence_with", "sentences"]
