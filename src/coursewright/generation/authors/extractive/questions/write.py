"""Drafts written out as questions of the course: ids, the order of options, citations."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from coursewright.course.ids import derive_id
from coursewright.course.model import Question
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.questions.draft import stable

_QUESTION: TypeAdapter[Question] = TypeAdapter(Question)


def write(seed: Mapping[str, Any], passages: Sequence[Passage], number: int) -> Question | None:
    """Return the question of a seed, or None when a pinned passage no longer says what it quotes."""
    texts = {passage.id: passage.text for passage in passages}
    if any(quote not in texts.get(passage_id, "") for passage_id, quote in seed["citations"]):
        return None
    kind = seed["kind"]
    question_id = derive_id("q-", kind, seed["form"], seed["stem"], *(quote for _, quote in seed["citations"]))
    fields: dict[str, Any] = {
        "id": question_id,
        "kind": kind,
        **{name: seed[name] for name in ("stem", "explanation", "difficulty", "bloom", "objective")},
        "citations": [{"passage_id": passage_id, "quote": quote} for passage_id, quote in seed["citations"]],
    }
    if kind == "multiple_choice":
        fields |= _choice(seed, question_id, number)
    elif kind == "ordering":
        fields |= _ordering(seed, question_id, number)
    elif kind == "matching":
        fields |= _matching(seed, question_id, number)
    elif kind == "long_answer":
        fields["answer"] = seed["answers"][0]
    elif kind == "cloze":
        fields["answer"] = [seed["answers"]]
    else:
        fields["answer"] = seed["answers"]
    return _QUESTION.validate_python(fields)


def _shuffled(texts: Sequence[str], question_id: str, number: int) -> list[str]:
    return sorted(texts, key=lambda text: (stable(number, question_id, text), text))


def _choice(seed: Mapping[str, Any], question_id: str, number: int) -> dict[str, Any]:
    key = next(text for text, right in seed["options"] if right)
    shown = _shuffled([text for text, right in seed["options"] if not right], question_id, number)
    shown.insert(seed["position"] % (len(shown) + 1), key)
    options = [{"id": chr(97 + place), "text": text, "correct": text == key} for place, text in enumerate(shown)]
    return {"options": options, "answer": next(option["id"] for option in options if option["correct"])}


def _ordering(seed: Mapping[str, Any], question_id: str, number: int) -> dict[str, Any]:
    steps = [text for text, _ in seed["options"]]
    shown = _shuffled(steps, question_id, number)
    if shown == steps:
        shown = shown[1:] + shown[:1]
    ids = {text: chr(97 + place) for place, text in enumerate(shown)}
    options = [{"id": ids[text], "text": text, "correct": True} for text in shown]
    return {"options": options, "answer": [ids[text] for text in steps]}


def _matching(seed: Mapping[str, Any], question_id: str, number: int) -> dict[str, Any]:
    shown = _shuffled([text for _, text in seed["pairs"]], question_id, number)
    ids = {text: chr(97 + place) for place, text in enumerate(shown)}
    options = [{"id": ids[text], "text": text, "correct": True} for text in shown]
    return {"options": options, "answer": [{"prompt": prompt, "option": ids[text]} for prompt, text in seed["pairs"]]}


__all__ = ["write"]
