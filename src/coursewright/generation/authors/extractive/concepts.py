"""The terms that the sources define, with their definitions word for word.

What the markup says comes first (dfn, dt, glossary, bold), then acronyms written out, then sentences of the form
"X is a …". A definition that judges ("APT is a vast project") or tells of an actor in a case study is refused.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coursewright.course.plan import Concept
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.acronyms import expansions
from coursewright.generation.authors.extractive.blocks import SourceBlock, blocks
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.sentences import is_closed, is_standalone, sentences
from coursewright.generation.authors.extractive.tables import rows_of
from coursewright.generation.authors.extractive.titles import is_glossary
from coursewright.generation.authors.extractive.tongue import reads_as
from coursewright.generation.authors.extractive.words import containment, count_words, stems, stop_words

_WEIGHT = {
    "glossary": 5,
    "dfn": 4,
    "dt": 3,
    "index": 2,
    "strong": 2,
    "emphasis": 2,
    "copula": 2,
    "role": 1.5,
    "acronym": 1,
}
_LEAST_OCCURRENCES = 3  # of the subject of "X is a …"
_LEAST_ROLE_OCCURRENCES = 2  # of the subject of "`X` lists …"
_LEAST_WORDS, _MOST_WORDS = 4, 45  # of a definition that the markup sets apart
_TERM_WORDS = 5
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])?\s*(?P<term>[^:\n]{2,60}?)\s*(?::|：| [–—-])\s+(?P<rest>\S.*)$", re.S)
_TERM = re.compile(r"^\w(?:[^\n|=<>{}\[\]\\/:;]*[\w)+#])?$")
_CODE = re.compile(r"`[^`]+`|[\w.:]+\(\)|\w*[A-Z_.:/+-]\w[\w.:/+-]*")
_NOT_A_VERB = re.compile(r"\S+ (?:(?:\w+ )?(?:is|are|was|were|has|have)|of)\b")  # "the list is", "names of"
_NO_NAME = re.compile(r"['’]s\b|@")
_RUN = re.compile(r"\w+")
_FREE_RUN = re.compile(r"(?<![\w`/.-])\w+")  # not in the middle of code or a path
_GOES_ON = re.compile(r"[\w`/-]")
_BRACKETS = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")


@dataclass(frozen=True, slots=True)
class _Found:
    term: str
    passage: Passage
    start: int
    end: int
    kind: str

    @property
    def definition(self) -> str:
        return self.passage.text[self.start : self.end]


def find_concepts(passages: Sequence[Passage], words: Catalogue) -> tuple[Concept, ...]:
    """Return the concepts of the knowledge base, the most important first, each term once."""
    found = [
        one
        for passage in passages
        for one in _in_passage(passage, words)
        if _is_term(one.term, words) and (one.kind == "acronym" or reads_as(one.definition, words.language))
    ]
    (counts,) = occurrences([one.term for one in found], [passages], words.language)
    best: dict[tuple[str, ...], tuple[float, _Found]] = {}
    for one in found:
        key = tuple(stems(one.term, words.language))
        times = counts[key]
        if times < {"copula": _LEAST_OCCURRENCES, "role": _LEAST_ROLE_OCCURRENCES}.get(one.kind, 0):
            continue
        score = round(_WEIGHT.get(one.kind, 1) + math.log(1 + times), 6)
        if key not in best or score > best[key][0]:
            best[key] = (score, one)
    ordered = sorted(
        best.values(), key=lambda entry: (-entry[0], entry[1].passage.ordinal, entry[1].start, entry[1].term)
    )
    # Code is written as it is.
    written = _as_written([one.term for _, one in ordered if one.kind != "role"], passages)
    return tuple(
        Concept(
            term=one.term if one.kind == "role" else written[one.term],
            definition=one.definition,
            passage_id=one.passage.id,
            kind=one.kind,
        )
        for _, one in ordered
    )


def occurrences(
    terms: Sequence[str], groups: Sequence[Sequence[Passage]], language: str
) -> list[Counter[tuple[str, ...]]]:
    """Count, for each group of passages, how often each term (as a tuple of stems) stands in it."""
    wanted = {key for term in terms if (key := tuple(stems(term, language)))}
    lengths: dict[str, set[int]] = defaultdict(set)  # of the terms that begin with a stem
    for key in wanted:
        lengths[key[0]].add(len(key))
    counted = []
    for passages in groups if wanted else ():
        counts: Counter[tuple[str, ...]] = Counter()
        for passage in passages:
            text = stems(passage.text, language)
            for place, word in enumerate(text):
                for length in lengths.get(word, ()):
                    key = tuple(text[place : place + length])
                    if key in wanted:
                        counts[key] += 1
        counted.append(counts)
    return counted or [Counter() for _ in groups]


def predicate(concept: Concept, words: Catalogue) -> str:
    """Return what the term is or does, without the term: what follows "X is" or "X", without closing stop."""
    if concept.kind == "role" and words.role and (matched := words.role.match(concept.definition)):
        return matched["rest"].rstrip(" .。!")
    for pattern in (words.definition_of(concept.term), words.copula):
        matched = pattern.match(concept.definition)
        if matched:
            return words.tail.sub("", matched["rest"])
    return words.tail.sub("", concept.definition)


def _in_passage(passage: Passage, words: Catalogue) -> Iterator[_Found]:
    in_glossary = bool(passage.heading_path) and is_glossary(passage.heading_path[-1], words)
    marked = {term.text.strip("` :：").casefold() for term in passage.terms}
    for term in passage.terms:
        if term.definition is not None:
            kind = "glossary" if in_glossary else term.kind
            yield from _first_sentence(term.text, passage, *term.definition, kind, words)
    for block in blocks(passage, words.language):
        if block.kind in ("paragraph", "note"):
            yield from _in_prose(block, marked, in_glossary, words)
        elif block.kind == "list":
            yield from _in_list(block, marked, in_glossary, words)
        elif block.kind == "table" and in_glossary:
            yield from _in_table(block, words)


def _in_prose(block: SourceBlock, marked: set[str], in_glossary: bool, words: Catalogue) -> Iterator[_Found]:
    text, offset = block.text, block.start
    for short, start, end in expansions(text):
        yield _Found(short, block.passage, offset + start, offset + end, "acronym")
    if in_glossary:
        yield from _item(block, 0, len(text), marked, in_glossary, words)
    for start, end in sentences(text, words.language):
        sentence = text[start:end]
        matched = words.copula.match(sentence)
        if (matched or words.role) and not is_standalone(sentence, words):
            continue
        if not matched:
            yield from _in_role(block, start, end, marked, words)
            continue
        term, rest = _BRACKETS.sub("", matched["term"]).strip("`"), matched["rest"]
        if (
            words.evaluation.match(rest)
            or words.actor.search(rest)
            or words.actor.search(term)
            or count_words(rest, words.language) < 4
        ):
            continue
        kind = "dfn" if term.casefold() in marked else "copula"
        yield _Found(term, block.passage, offset + start, offset + end, kind)


def _in_role(block: SourceBlock, start: int, end: int, marked: set[str], words: Catalogue) -> Iterator[_Found]:
    """Read "The `X` command lists …": what a thing with a name in code, or with a marked name, is for."""
    sentence = block.text[start:end]
    matched = words.role.match(sentence) if words.role else None
    if not matched or count_words(matched["rest"], words.language) < _LEAST_WORDS:
        return
    term = matched["term"]
    if words.evaluation.match(matched["rest"]) or _NOT_A_VERB.match(matched["rest"]) or _NO_NAME.search(term):
        return
    if (_CODE.fullmatch(term) and (term[0] == "`" or matched["noun"] or "(" in term)) or term.casefold() in marked:
        yield _Found(term.strip("`"), block.passage, block.start + start, block.start + end, "role")


def _in_list(block: SourceBlock, marked: set[str], in_glossary: bool, words: Catalogue) -> Iterator[_Found]:
    start = 0
    for line in block.text.splitlines(keepends=True):
        yield from _item(block, start, start + len(line), marked, in_glossary, words)
        start += len(line)


def _item(
    block: SourceBlock, start: int, end: int, marked: set[str], in_glossary: bool, words: Catalogue
) -> Iterator[_Found]:
    """Read `Term: definition` where a glossary or marked term says that this is one."""
    matched = _ITEM.match(block.text[start:end])
    if not matched:
        return
    term, rest = matched["term"].strip("` "), matched["rest"]
    if not in_glossary and (term.casefold() not in marked or not words.opener.match(rest)):
        return
    at = block.start + start + matched.start("rest")
    kind = "glossary" if in_glossary else "strong"
    yield from _first_sentence(term, block.passage, at, at + len(rest.rstrip()), kind, words)


def _in_table(block: SourceBlock, words: Catalogue) -> Iterator[_Found]:
    for cells in rows_of(block.text)[1:]:
        if len(cells) >= 2:
            (term, _, _), (_, start, end) = cells[0], cells[1]
            yield from _first_sentence(term, block.passage, block.start + start, block.start + end, "glossary", words)


def _first_sentence(term: str, passage: Passage, start: int, end: int, kind: str, words: Catalogue) -> Iterator[_Found]:
    spans = sentences(passage.text[start:end], words.language)
    if not spans:
        return
    first, last = start + spans[0][0], start + spans[0][1]
    sentence = passage.text[first:last]
    if (
        _LEAST_WORDS <= count_words(sentence, words.language) <= _MOST_WORDS
        and (kind == "glossary" or is_closed(sentence) or "\n" not in sentence)
        and not words.refers_opener.match(sentence)
        and not words.refers_anywhere.search(sentence)
        and not sentence.endswith((":", "：", "?"))
        and (kind == "glossary" or not _tells_of(term, sentence, words))
    ):
        yield _Found(term.strip("` :："), passage, first, last, kind)


def _tells_of(term: str, sentence: str, words: Catalogue) -> bool:
    """Tell whether a sentence in a definition's place only says something of its term ("RAID-4 is rarely used")."""
    if tuple(stems(term, words.language)) not in _runs(stems(sentence, words.language)):
        return False
    matched = words.definition_of(term).match(sentence)
    return not matched or bool(words.evaluation.match(matched["rest"]))


def _runs(text: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(text[start : start + length]) for length in range(1, _TERM_WORDS + 1) for start in range(len(text))}


def _is_term(term: str, words: Catalogue) -> bool:
    lowered = term.casefold()
    pieces = lowered.split()
    stops = stop_words(words.language)
    return (
        1 < len(term) <= 50
        and len(pieces) <= _TERM_WORDS
        and bool(_TERM.match(term))
        and any(char.isalpha() for char in term)
        and lowered not in words.not_terms
        and not (words.head_first and pieces[0] in words.not_terms)
        and not words.adverb.fullmatch(lowered)
        and (len(pieces) > 1 or lowered not in stops or term.isupper())
        and not (pieces[0] in stops and not pieces[0].isupper() and (len(pieces) > 1 or term[0].islower()))
        and not words.refers_opener.match(term + " ")
    )


def _as_written(terms: Sequence[str], passages: Sequence[Passage]) -> dict[str, str]:
    """Return terms that only the start of a sentence capitalised as the sources write them elsewhere.

    One pass over the sources for all terms: each run of letters is looked up among the first runs of the forms.
    """
    small = {term: term[0].lower() + term[1:] for term in terms if term[1:].islower() and not term[0].islower()}
    forms: dict[str, list[str]] = defaultdict(list)
    for form in {*small, *small.values()}:
        forms[_RUN.match(form)[0]].append(form)  # type: ignore[index]  # a term begins with a letter or a digit
    uses: Counter[str] = Counter()
    for passage in passages if forms else ():
        text = passage.text
        for run in _FREE_RUN.finditer(text):
            for form in forms.get(run[0], ()):
                if text.startswith(form, run.start()) and not _GOES_ON.match(text, run.start() + len(form)):
                    uses[form] += 1
    return {term: small[term] if term in small and uses[small[term]] > uses[term] else term for term in terms}


def unlike(left: Concept, right: Concept, words: Catalogue) -> bool:
    """Tell whether two concepts can stand side by side as options: neither definition would be right for the other."""
    first, second = predicate(left, words), predicate(right, words)
    language = words.language
    return (
        max(containment(first, second, language), containment(second, first, language)) < 0.4
        and containment(left.term, right.term, language) < 1.0
        and containment(right.term, left.term, language) < 1.0
        and containment(left.term, second, language) < 1.0
        and containment(right.term, first, language) < 1.0
    )


__all__ = ["find_concepts", "occurrences", "predicate", "unlike"]
