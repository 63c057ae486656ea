"""Questions on defined terms: which definition, which term, the gap in a definition, what an acronym stands for, pairs.

A distractor is the definition (or the term) of another concept of the same form whose content overlaps by less than
40 %: where two definitions would both be right, the question is not asked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from coursewright.course.model import Bloom, Difficulty
from coursewright.course.plan import Concept
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.concepts import predicate, unlike
from coursewright.generation.authors.extractive.questions.draft import Draft
from coursewright.generation.authors.extractive.sentences import is_standalone, sentence_with
from coursewright.generation.authors.extractive.words import content_stems, count_words, function_words

_MOST_WORDS = 32  # of a definition that serves as an option or in a stem
_LENGTH_TELL = 1.35  # longest allowed key to mean distractor; FACTS allows 1.5
_DISTRACTORS = 3
_NEIGHBOURS = 40  # concepts looked at for distractors, the nearest in the course first
_PAIRS, _FEWEST_PAIRS, _PAIR_NEIGHBOURS = 4, 3, 12
_CODE = re.compile(r"[_/()=]|\w\.\w|^-|\w-\w*\d")
_ARTICLE = re.compile(
    r"(?:(?P<indefinite>an?|eine?[rs]?|une?|des|una|unos|unas)|(?P<definite>the|der|die|das|les?|la|los|las|el))\s",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Defined:
    """A concept as questions need it: what it is, in which grammatical form, and the section that teaches it."""

    concept: Concept
    section: str
    text: str
    form: str
    stems: frozenset[str] = frozenset()  # of the definition's content

    @property
    def is_code(self) -> bool:
        """Tell whether the term is a name in code, such as a command or a file: it stands out among words."""
        return f"`{self.concept.term}`" in self.concept.definition or bool(_CODE.search(self.concept.term))

    def likeness(self, other: "Defined") -> float:
        """Return how much of the shorter definition's content the other has (0-1), to one digit."""
        least = min(len(self.stems), len(other.stems))
        return round(len(self.stems & other.stems) / least, 1) if least else 0.0

    @property
    def is_role(self) -> bool:
        """Tell whether the text says what the thing does, not what it is."""
        return self.form.startswith("verb")

    @property
    def subject(self) -> str:
        return self.concept.term.casefold()


def defined(owners: dict[str, list[Concept]], words: Catalogue) -> list[Defined]:
    """Return the concepts whose definition makes a fair option, in the order of their sections."""
    found = []
    for section, concepts in owners.items():
        for concept in concepts:
            text = predicate(concept, words)
            if concept.kind != "acronym" and _is_fair(concept.term, text, words):
                stems = frozenset(content_stems(text, words.language))
                found.append(Defined(concept, section, text[0].upper() + text[1:], _form(concept, text, words), stems))
    return found


def _form(concept: Concept, text: str, words: Catalogue) -> str:
    """Return the grammatical kind of a definition: options of one question share it."""
    if concept.kind == "role" and words.language != "en":
        return "verb"
    article = _ARTICLE.match(text)
    if article:
        return article.lastgroup or ""
    verb = words.verb.match(text) if words.verb else None
    if verb:
        return "verb in s" if verb[0].endswith("s") and not verb[0].endswith("ss") else "verb"
    return ""


def _is_fair(term: str, text: str, words: Catalogue) -> bool:
    """Tell whether a definition has a fair length, no code, no tell-tale word, and does not use the term itself."""
    own = set(content_stems(term, words.language))
    return (
        4 <= count_words(text, words.language) <= _MOST_WORDS
        and not any(mark in text for mark in '\n“”"|')
        and text.count("`") % 2 == 0
        and not text.endswith((":", ";", ","))
        and text.rpartition(" ")[2].casefold() not in function_words(words.language)  # cut off: "…, and"
        and text[0] not in "(（"
        and not words.absolute.search(text)
        and not words.vague.search(text)
        and not words.refers_opener.match(text)
        and not own & set(content_stems(text, words.language))
        and not (len(term) > 3 and term.casefold() in text.casefold())  # "… in `/var/log/dpkg.log`"
    )


def on_definitions(concepts: Sequence[Defined], words: Catalogue) -> Iterator[Draft]:
    """Yield the questions on one concept each."""
    for place, one in enumerate(concepts):
        low = max(0, place - _NEIGHBOURS)
        around = sorted(range(low, min(len(concepts), place + _NEIGHBOURS)), key=lambda at: (abs(at - place), at))
        near = [concepts[at] for at in around if at != place and concepts[at].form == one.form]
        near = [other for other in near if unlike(one.concept, other.concept, words)]
        others = _distractors(one, near, lambda it: it.text, words)
        if others:
            yield _draft(
                one, words, "definition", "understand", "medium",
                stem=words.say("stems", "role" if one.is_role else "definition", term=one.concept.term),
                options=((one.text, True), *((other.text, False) for other in others)),
            )  # fmt: skip
        alike = [other for other in near if other.is_code == one.is_code]
        others = _distractors(one, alike, lambda it: it.concept.term, words)
        asked_back = not words.negation.search(one.text)
        if asked_back:
            # Without three others of its form the term is to be written: far-fetched options would give it away.
            yield _draft(
                one, words, "term", "remember", "easy",
                kind="multiple_choice" if others else "short_answer",
                stem=words.say("stems", "role_term" if one.is_role else "term", definition=one.text),
                options=tuple((it.concept.term, it is one) for it in (one, *others)) if others else (),
                answers=() if others else (one.concept.term,),
            )  # fmt: skip
        # A gap and a question back show the same definition: one concept gets one of them.
        gapped = "" if asked_back else _gap(one.concept, words)
        if gapped:
            yield _draft(
                one, words, "gap", "remember", "hard",
                kind="cloze",
                stem=words.say("stems", "cloze", sentence=gapped),
                answers=(one.concept.term,),
            )  # fmt: skip


def on_acronyms(owners: dict[str, list[Concept]], texts: Mapping[str, str], words: Catalogue) -> Iterator[Draft]:
    """Yield a short answer for each acronym; as a choice the initials would give the key away.

    `texts` holds the passages by id: the explanation is the sentence that writes the acronym out.
    """
    for section, concepts in owners.items():
        for concept in concepts:
            if concept.kind == "acronym":
                sentence = sentence_with(concept.definition, texts.get(concept.passage_id, ""), words.language)
                yield Draft(
                    kind="short_answer",
                    form="acronym",
                    subjects=(concept.term.casefold(),),
                    section=section,
                    stem=words.say("stems", "acronym", term=concept.term),
                    objective=words.say("objectives", "expand", term=concept.term),
                    explanation=sentence,
                    citations=((concept.passage_id, sentence or concept.definition),),
                    answers=(concept.definition,),
                )


def matching(concepts: Sequence[Defined], words: Catalogue) -> Iterator[Draft]:
    """Yield matching questions: neighbouring concepts of one form, each with a definition that fits no other."""
    left = list(concepts)
    while left:
        group = [left.pop(0)]
        for other in list(left[:_PAIR_NEIGHBOURS]):
            if len(group) == _PAIRS:
                break
            if other.form == group[0].form and all(unlike(other.concept, one.concept, words) for one in group):
                group.append(other)
                left.remove(other)
        if len(group) < _FEWEST_PAIRS:
            continue
        yield Draft(
            kind="matching",
            form="matching",
            subjects=tuple(one.subject for one in group),
            section=group[0].section,
            further_sections=tuple(one.section for one in group[1:]),
            stem=words.say("stems", "matching", terms=words.enumerate([one.concept.term for one in group])),
            objective=words.say("objectives", "matching", terms=words.enumerate([one.concept.term for one in group])),
            explanation="",  # the pairs of the answer say it all
            citations=tuple((one.concept.passage_id, one.concept.definition) for one in group),
            pairs=tuple((one.concept.term, one.text) for one in group),
            bloom="understand",
        )


def _draft(
    one: Defined,
    words: Catalogue,
    form: str,
    bloom: Bloom,
    difficulty: Difficulty,
    *,
    stem: str,
    kind: str = "multiple_choice",
    options: tuple[tuple[str, bool], ...] = (),
    answers: tuple[str, ...] = (),
) -> Draft:
    return Draft(
        kind=kind,
        form=form,
        subjects=(one.subject,),
        section=one.section,
        stem=stem,
        objective=words.say("objectives", "role" if one.is_role else "define", term=one.concept.term),
        # A glossary's entry stands in the question and its answer already; a sentence shows the term at work.
        explanation=one.concept.definition if predicate(one.concept, words) != _bare(one.concept, words) else "",
        citations=((one.concept.passage_id, one.concept.definition),),
        options=options,
        answers=answers,
        difficulty=difficulty,
        bloom=bloom,
    )


def _bare(concept: Concept, words: Catalogue) -> str:
    return words.tail.sub("", concept.definition)


def _distractors(
    one: Defined, near: Sequence[Defined], show: Callable[[Defined], str], words: Catalogue
) -> list[Defined]:
    """Choose others of like length and subject, so that the key is neither the longest nor alone in form.

    Those whose definitions share most words are the most plausible; `near` holds none that shares enough to be right.
    """
    key = show(one)
    plain = key[:1].isupper()
    ranked = sorted(
        range(len(near)),
        key=lambda i: (
            show(near[i])[:1].isupper() != plain,
            (" " in show(near[i])) != (" " in key),
            not _alike_in_length(show(near[i]), key),
            -one.likeness(near[i]),
            near[i].section != one.section,
            i,
        ),
    )
    chosen: list[Defined] = []
    for i in ranked:
        other = near[i]
        if len(chosen) == _DISTRACTORS:
            break
        if show(other).casefold() != key.casefold() and all(unlike(other.concept, it.concept, words) for it in chosen):
            chosen.append(other)
    if len(chosen) < _DISTRACTORS:
        return []
    if show(one) != one.concept.term and all(len(show(other)) < len(key) for other in chosen):
        longer = next(
            (
                near[i]
                for i in ranked
                if len(show(near[i])) >= len(key)
                and all(unlike(near[i].concept, it.concept, words) for it in chosen[:-1])
            ),
            None,
        )
        if longer is None:
            return []
        chosen[-1] = longer
    mean = sum(len(show(other)) for other in chosen) / len(chosen)
    return chosen if show(one) == one.concept.term or len(key) / mean < _LENGTH_TELL else []


def _alike_in_length(text: str, key: str) -> bool:
    return 0.6 * len(key) <= len(text) <= 1.8 * len(key)


def _gap(concept: Concept, words: Catalogue) -> str:
    """Return the defining sentence with its term left out, or "" when it is not one or says the term twice."""
    sentence = concept.definition
    if not is_standalone(sentence, words) or words.negation.search(sentence) or "(" in sentence:
        return ""
    if sentence.casefold().count(concept.term.casefold()) != 1:
        return ""
    start = sentence.casefold().index(concept.term.casefold())
    gapped = sentence[:start] + "____" + sentence[start + len(concept.term) :]
    # "An ____" would tell how the word begins.
    return re.sub(r"\b([Aa])n? ____", r"\1(n) ____", gapped) if words.language == "en" else gapped


__all__ = ["Defined", "defined", "matching", "on_acronyms", "on_definitions"]
