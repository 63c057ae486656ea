"""What a careful model would answer: it quotes the passages that its prompt shows, word for word. For the simulator.

The same prompt gets the same answer, and what it says of one document does not depend on the others.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from coursewright.course.quality import words

_PASSAGE = re.compile(r'<passage alias="(S\d+)"[^>]*place="([^"]*)">\n(.*?)\n</passage>', re.DOTALL)
_LISTED = re.compile(r"^(S\d+) \| (.*?) \| \d+ words \|", re.MULTILINE)
_LESSON = re.compile(r'<passage place="the lesson">\n(.*?)\n</passage>', re.DOTALL)
GAP = "What it costs"
_UNSPOKEN = re.compile(r"[`|/@]|www")


def answer(name: str, prompt: str) -> str:
    """Return the JSON text that answers a prompt; `name` is that of the schema."""
    for beginning, make in _MAKERS.items():
        if name.startswith(beginning):
            return json.dumps(make(prompt), ensure_ascii=False)
    raise ValueError(name)


def _merge(prompt: str) -> dict[str, Any]:
    return {"subjects": ["Everything in the documents"], "concepts": [], "gaps": [GAP]}


def _analysis(prompt: str) -> dict[str, Any]:
    concepts = []
    subjects: dict[str, None] = {}
    for alias, place, text in _PASSAGE.findall(prompt):
        subjects.setdefault(place.split(" › ")[0])
        term = place.split(" › ")[-1]
        if sentences := _sentences(text):
            concepts.append({"term": term, "definition": sentences[0], "sources": [alias]})
    return {"subjects": list(subjects)[:12], "concepts": concepts[:20], "gaps": [GAP]}


def _outline(prompt: str) -> dict[str, Any]:
    """A module a document, a lesson four passages, a section two; or as many modules and lessons as are asked for."""
    documents: dict[str, list[tuple[str, str]]] = {}
    for alias, place in _LISTED.findall(prompt):
        title, *headings = place.split(" › ")
        documents.setdefault(title, []).append((alias, " ".join(headings[-1:]) or title))
    modules_asked, lessons_asked = _exactly(prompt, "modules"), _exactly(prompt, "lessons")
    names = list(documents)
    modules = []
    for run in _parts(names, modules_asked) if modules_asked else [[name] for name in names]:
        listed = [each for name in run for each in documents[name]]
        if not lessons_asked:
            given = _runs(listed, 4)
        elif lessons_asked == len(run):
            given = [documents[name] for name in run]
        else:
            given = _parts(listed, lessons_asked)
        title = " and ".join((run[0], *run[-1:])) if len(run) > 1 else run[0]
        lessons = [_lesson_plan(title, n, passages) for n, passages in enumerate(given, 1)]
        modules.append({"title": title, "description": "", "objectives": [f"Explain {title}"], "lessons": lessons})
    return {
        "title": "All of it",
        "description": "",
        "objectives": [f"Explain {modules[0]['title']}"],
        "modules": modules,
    }


def _lesson_plan(module: str, number: int, passages: Sequence[tuple[str, str]]) -> dict[str, Any]:
    about = passages[0][1]
    return {
        "title": f"{module}, part {number}: {about}",
        "description": "",
        "objectives": [f"Explain {about}"],
        "quiz_objective": f"Recall {about}",
        "exam_objective": f"Describe {about}",
        "sections": [
            {
                "title": f"{two[0][1]} ({m})",
                "summary": f"What the documents say about {two[0][1]}.",
                "sources": [alias for alias, _ in two],
            }
            for m, two in enumerate(_runs(passages, 2), 1)
        ],
    }


def _exactly(prompt: str, what: str) -> int:
    found = re.search(rf"Exactly (\d+) {what}", prompt)
    return int(found.group(1)) if found else 0


def _section(prompt: str) -> dict[str, Any]:
    blocks = [
        {"kind": "paragraph", "text": sentence, "sources": [alias]}
        for alias, _, text in _PASSAGE.findall(prompt)
        for sentence in _sentences(text)[:3] or [text.strip().splitlines()[-1].strip("| ")]  # a table has none
    ]
    return {"blocks": _distinct(blocks), "examples": [], "key_concepts": [], "summary": blocks[0]["text"]}


def _questions(prompt: str) -> dict[str, Any]:
    wanted = int(re.search(r"Write (\d+) questions", prompt).group(1))  # type: ignore[union-attr]  # it is in the prompt
    questions = []
    shown = [(alias, sentence) for alias, _, text in _PASSAGE.findall(prompt) for sentence in _sentences(text)]
    for alias, sentence in {sentence: (alias, sentence) for alias, sentence in shown}.values():
        word = max(re.findall(r"[a-z]{5,}", sentence), key=len, default="")
        if not word or sentence.count(word) != 1:
            continue
        questions.append(
            {
                "kind": "cloze",
                "stem": sentence.replace(word, "____"),
                "options": [],
                "pairs": [],
                "answers": [word],
                "explanation": sentence,
                "difficulty": "easy",
                "bloom": "remember",
                "objective": 1,
                "sources": [alias],
            }
        )
    step = max(1, len(questions) // max(1, wanted))
    return {"questions": questions[::step][:wanted]}


def _mind_map(prompt: str) -> dict[str, Any]:
    text = _lesson(prompt)
    stems: dict[str, str] = {}
    for word in (one for one in words.words(text) if one.isalpha() and len(one) > 4):
        if found := words.content(word, "en"):
            stems.setdefault(found[0], word)
    labels = list(stems.values())[:12]
    return {
        "branches": [{"title": run[0], "branches": [{"title": label} for label in run[1:]]} for run in _runs(labels, 4)]
    }


def _brainbytes(prompt: str) -> dict[str, Any]:
    chosen: list[str] = []
    for sentence in _sentences(_lesson(prompt)):
        if not _UNSPOKEN.search(sentence) and sum(len(one.split()) for one in chosen) < 200:
            chosen.append(sentence)
    return {"title": "In two minutes", "segments": [" ".join(run) for run in _runs(chosen, 3)]}


_MAKERS = {
    "analysis_merge": _merge,
    "analysis": _analysis,
    "outline": _outline,
    "section": _section,
    "questions": _questions,
    "mind_map": _mind_map,
    "brainbytes": _brainbytes,
}


def _lesson(prompt: str) -> str:
    found = _LESSON.search(prompt)
    return found.group(1) if found else ""


def _sentences(text: str) -> list[str]:
    """Return the whole sentences of the running text, not those of lists, tables or code."""
    paragraphs = [each for each in text.split("\n\n") if each.rstrip().endswith(".") and not re.match(r"[-|#\d]", each)]
    found = [one for each in paragraphs for one in words.sentences(each, "en")]
    return [one for one in found if len(one.split()) >= 6 and one.endswith(".") and "\n" not in one]


def _distinct(blocks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({block["text"].casefold(): block for block in blocks}.values())


def _runs(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut into runs; a last one that has less than half is joined to the one before."""
    runs = [items[start : start + size] for start in range(0, len(items), size)]
    if len(runs) > 1 and len(runs[-1]) <= size // 2:
        runs[-2:] = [[*runs[-2], *runs[-1]]]
    return runs


def _parts(items: Sequence[Any], number: int) -> list[Sequence[Any]]:
    """Cut into so many runs, alike in length."""
    return [items[n * len(items) // number : (n + 1) * len(items) // number] for n in range(number)]


__all__ = ["GAP", "answer"]
