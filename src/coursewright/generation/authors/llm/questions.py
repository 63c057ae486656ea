"""Reads the questions that a model wrote: each in the shape of its kind, grounded, without item-writing flaws."""

import math
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from coursewright.course.checks import GAP, check_question
from coursewright.course.ids import derive_id
from coursewright.course.model import (
    Cloze,
    LongAnswer,
    Matching,
    Mode,
    MultipleChoice,
    MultipleResponse,
    Ordering,
    Question,
    ShortAnswer,
    TrueFalse,
)
from coursewright.course.plan import QuestionPlan
from coursewright.course.quality import words
from coursewright.course.quality.flaws import flaws
from coursewright.course.quality.items import SAME_STEM
from coursewright.generation.authors.base import Questions
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.grounding import ASKED, KNOWN, Grounding
from coursewright.generation.authors.llm.plain import plain
from coursewright.generation.authors.llm.sources import Shown
from coursewright.generation.authors.llm.wire import WireQuestion, WireQuestions

_QUESTION: TypeAdapter[Question] = TypeAdapter(Question)
_ENOUGH = 0.8  # of the questions wanted; a repair for the last one would cost more than it is worth
_FATAL = frozenset(
    {"more_than_one_answer", "all_of_the_above", "none_of_the_above", "k_type", "longest_option_correct"}
)
_TRUE = frozenset({"true", "wahr", "richtig", "vrai", "verdadero", "cierto", "正しい", "صحيح"})
_FALSE = frozenset({"false", "falsch", "faux", "falso", "誤り", "間違い", "خطأ"})


def read_questions(
    wire: WireQuestions, plan: QuestionPlan, shown: Shown, mode: Mode, language: str, seed: int
) -> Questions | Unusable:
    """Return the good questions when they are enough, with the shortfall; else what the model must mend.

    Explanations cite, so the passages must carry them in every mode; in `kb_only` also what is asked and answered.
    """
    grounding = Grounding(shown, language)
    kept: list[Question] = []
    problems: list[str] = []
    stems: list[frozenset[tuple[str, ...]]] = []
    for number, one in enumerate(wire.questions, 1):
        question, why = _read(one, plan, shown, grounding, language, seed)
        if question is not None and mode == "kb_only" and (lacking := _lacking(question, grounding)):
            question, why = None, lacking
        if question is not None:
            stem = words.ngrams(words.words(question.stem + " ".join(sorted(o.text for o in question.options))))
            if any(len(stem & other) > SAME_STEM * len(stem | other) for other in stems):
                question, why = None, "it asks nearly the same as another one"
            stems.append(stem)
        if question is None:
            problems.append(f"question {number} (“{words.excerpt(one.stem, 60)}”): {why}.")
        else:
            kept.append(question)
    kept = kept[: plan.wanted]
    if len(kept) < math.ceil(_ENOUGH * plan.wanted):
        return Unusable((*problems, f"{len(kept)} of {plan.wanted} questions can be used."))
    short = f"{len(kept)} of {plan.wanted}: {'; '.join(problems)}" if len(kept) < plan.wanted else ""
    return Questions(tuple(kept), short)


def _read(
    one: WireQuestion, plan: QuestionPlan, shown: Shown, grounding: Grounding, language: str, seed: int
) -> tuple[Question | None, str]:
    explanation = plain(one.explanation)
    if not one.sources:
        return None, "it cites no passage"
    grounded = grounding.ground(explanation or plain(one.stem), one.sources)
    if grounded.problem:
        return None, f"explanation {grounded.problem}"
    stem = plain(one.stem)
    question_id = derive_id("q-", one.kind, stem, *(citation.quote for citation in grounded.citations))
    objectives = plan.objectives
    fields: dict[str, Any] = {
        "id": question_id,
        "kind": one.kind,
        "stem": stem,
        "explanation": explanation,
        "difficulty": one.difficulty,
        "bloom": one.bloom,
        "objective": objectives[one.objective - 1] if 0 < one.objective <= len(objectives) else "",
        "citations": grounded.citations,
    }
    try:
        question = _QUESTION.validate_python(fields | _answer(one, question_id, seed))
    except ValidationError as error:
        return None, f"it does not fit its kind: {error.errors()[0]['msg']}"
    except ValueError as error:
        return None, str(error)
    broken = [finding.message for finding in check_question(question, "") if finding.severity == "error"]
    if broken:
        return None, " ".join(broken).rstrip(".")
    found = flaws(question, language)
    if len(found) > 1 or any(name in _FATAL for name, _ in found):
        return None, " ".join(why for _, why in found).rstrip(".")
    return question, ""


def _lacking(question: Question, grounding: Grounding) -> str:
    """Say what the passages lack for what a question holds to be true; wrong options and statements are free."""
    for claim, least in _claims(question):
        if missing := grounding.missing(claim, least):
            return f"“{words.excerpt(claim, 160)}”: {missing}"
    return ""


def _claims(question: Question) -> list[tuple[str, float]]:
    """Return what a question says, each with the share of it that the passages must hold.

    Parts stand on lines of their own, so that no capital letter at the beginning of one seems to be a name's.
    """
    texts = {option.id: option.text for option in question.options}
    match question:
        case MultipleChoice():
            told = [texts[question.answer]]
        case MultipleResponse() | Ordering():
            told = [texts[id_] for id_ in question.answer]
        case Matching():
            return [(f"{pair.prompt}\n{texts[pair.option]}", ASKED) for pair in question.answer]
        case TrueFalse():
            return [(question.stem, ASKED)] if question.answer else []
        case Cloze():
            filled = question.stem
            for accepted in question.answer:
                filled = filled.replace(GAP, accepted[0], 1)
            return [(filled, ASKED)]
        case ShortAnswer():
            told = [question.answer[0]]
        case LongAnswer():
            told = [question.answer]
    return [claim for each in told for claim in ((each, KNOWN), (f"{question.stem}\n{each}", ASKED))]


def _answer(one: WireQuestion, question_id: str, seed: int) -> dict[str, Any]:
    """Return options and answer in the shape of the kind. Order is drawn from the id, so keys stand anywhere."""
    match one.kind:
        case "multiple_choice" | "multiple_response":
            right = {plain(option.text) for option in one.options if option.correct}
            texts = [plain(option.text) for option in one.options]
            if len(set(texts)) < len(texts):
                raise ValueError("two options are the same")
            options = _options(texts, question_id, seed)
            for option in options:
                option["correct"] = option["text"] in right
            keys = [option["id"] for option in options if option["correct"]]
            if one.kind == "multiple_choice" and len(keys) != 1:
                raise ValueError(f"{len(keys)} options are marked correct; exactly one must be")
            return {"options": options, "answer": keys[0] if one.kind == "multiple_choice" else keys}
        case "true_false":
            said = one.answers[0].strip().casefold() if one.answers else ""
            if said not in _TRUE | _FALSE:
                raise ValueError("its answer is neither `true` nor `false`")
            return {"answer": said in _TRUE}
        case "matching":
            matches = [plain(pair.match) for pair in one.pairs]
            if len(set(matches)) < len(matches):
                raise ValueError("two prompts have the same match")
            options = _options(matches, question_id, seed)
            ids = {option["text"]: option["id"] for option in options}
            pairs = [{"prompt": plain(pair.prompt), "option": ids[plain(pair.match)]} for pair in one.pairs]
            return {"options": options, "answer": pairs}
        case "ordering":
            steps = [plain(step) for step in one.answers]
            if len(set(steps)) < len(steps):
                raise ValueError("two steps are the same")
            options = _options(steps, question_id, seed)
            if [option["text"] for option in options] == steps:
                options = [{**o, "id": chr(97 + n)} for n, o in enumerate((*options[1:], *options[:1]))]
            ids = {option["text"]: option["id"] for option in options}
            return {"options": options, "answer": [ids[step] for step in steps]}
        case "cloze":
            return {"answer": [[plain(answer) for answer in one.answers]]}
        case "short_answer":
            return {"answer": [plain(answer) for answer in one.answers]}


def _options(texts: Sequence[str], question_id: str, seed: int) -> list[dict[str, Any]]:
    shown = sorted(texts, key=lambda text: derive_id("", seed, question_id, text))
    return [{"id": chr(97 + place), "text": text, "correct": True} for place, text in enumerate(shown)]


__all__ = ["read_questions"]
