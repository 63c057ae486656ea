"""Sentences with a gap where a command, file or setting is named: "The ____ command lists …".

The word that says what kind of thing is sought stands beside the gap, and nothing else in the sentence is code, so that
the reader knows what to look for. What a listing beside it defines is a name of that example: nobody needs to know it.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.questions.draft import Draft
from coursewright.generation.authors.extractive.sentences import is_standalone, sentences
from coursewright.generation.authors.extractive.words import count_words

_MOST_PER_SECTION = 2
_LONGEST_NAME = 22  # characters that can be asked of a memory
_NO_NAME = re.compile(r"://|[*=<>{}$\"]|^\W*$|\s.*[\s/]|(?:/[^/]+){4}")
_DEFINES = (  # stand before a name where a listing, in most programming languages, defines it
    "class|struct|enum|union|namespace|concept|interface|trait|module|def|fn|func|function|sub|var|let|const|constexpr"
    "|auto|void|int|bool|char|double|float|long|size_t|string|typename"
)
_FEWEST_WORDS, _FEWEST_UNSPACED, _MOST_WORDS = 9, 14, 30


def gaps(shown: Sequence[SourceBlock], section: str, used: Collection[str], words: Catalogue) -> Iterator[Draft]:
    """Yield a few cloze questions on a section; sentences in `used` are asked about in other ways."""
    if words.named_code is None:
        return
    asked: set[str] = set()
    for block in shown:
        if block.kind != "paragraph":
            continue
        for start, end in sentences(block.text, words.language):
            sentence = block.text[start:end]
            term = "" if sentence in used else _sought(sentence, words)
            if not term or term.casefold() in asked or _is_of_example(term, shown):
                continue
            asked.add(term.casefold())
            yield Draft(
                kind="cloze",
                form="fill",
                subjects=(term.casefold(),),
                section=section,
                stem=words.say("stems", "cloze", sentence=sentence.replace(f"`{term}`", "____")),
                objective=words.say("objectives", "role", term=term),
                explanation=sentence,
                citations=((block.passage.id, sentence),),
                answers=(term,),
            )
            if len(asked) == _MOST_PER_SECTION:
                return


def _sought(sentence: str, words: Catalogue) -> str:
    """Return the one piece of code in a sentence, "" when there is none, or more, or it could not be told."""
    if sentence.count("`") != 2 or words.named_code is None:
        return ""
    least = _FEWEST_UNSPACED if words.characters_per_minute else _FEWEST_WORDS
    found = words.named_code.search(sentence)
    term = next(filter(None, found.groups()), "") if found else ""
    return (
        term
        if 1 < len(term) <= _LONGEST_NAME
        and not _NO_NAME.search(term)
        and not _gives_away(sentence.replace(f"`{term}`", ""), term)
        and least <= count_words(sentence, words.language) <= _MOST_WORDS
        and is_standalone(sentence, words)
        and not (words.bare_noun and words.bare_noun.match(sentence))
        and not words.negation.search(sentence)
        and not words.vague.search(sentence)
        else ""
    )


def _is_of_example(term: str, shown: Sequence[SourceBlock]) -> bool:
    name = term.removesuffix("()").rsplit("::", 1)[-1]
    if re.match(rf"(?:{_DEFINES})\b", name):
        return False
    defined = re.compile(rf"\b(?:{_DEFINES})\b[\s*&]+(?:\w+::)*{re.escape(name)}\b")
    return any(defined.search(text) for text in {block.passage.text for block in shown})


def _gives_away(rest: str, term: str) -> bool:
    """Tell whether the rest of the sentence names a part of the term ("… is explained in opendmarc.conf(5)")."""
    return term.casefold() in rest.casefold() or any(
        part.casefold() in rest.casefold() for part in re.findall(r"[^\W\d_]{4,}", term)
    )


__all__ = ["gaps"]
