"""What rejections are for, and when scores are worse."""

import re
from pathlib import Path

import pytest

from coursewright.evaluation.scores import OTHER, SCORES, Scores, compare, reasons

_AUTHOR = Path(__file__).parents[3] / "src/coursewright/generation/authors/llm"


def scores(**values: float | None) -> Scores:
    return Scores("base", "prompts", ("scripted:small",), 1, 1, {each.name: values.get(each.name) for each in SCORES})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the answer was cut off", ("cut off",)),
        ("It is no JSON object: there is no { in it", ("no JSON",)),
        ("blocks.0.text: Field required", ("not of the schema",)),
        (
            "block 1: “The moon is cheese.”: the cited passages hold too few of its words. Say what the passages say; "
            "block 2 cites no passage.",
            ("not carried by the sources", "cites nothing"),
        ),
        ("block 1: there is no passage S9", ("unknown passage",)),
        ("block 3: “It is 7.”: the cited passages do not hold the number 7", ("number or name not in the sources",)),
        ("3 modules; exactly 2 were asked for.", ("wrong number of parts",)),
        ("the text is in 'fr'; the course is in 'en'.", ("another language",)),
        ("question 2 (“What?”): two options are the same", ("said twice", "question not usable")),
        ("it went away", (OTHER,)),
    ],
)
def test_a_rejection_is_known_by_its_words(text: str, wanted: tuple[str, ...]) -> None:
    assert reasons(text) == wanted


def test_every_problem_that_the_author_names_has_a_reason() -> None:
    told = []
    for path in sorted(_AUTHOR.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        told += re.findall(r'(?:problems\.append\(|Unusable\(\(|Rejected\()f?"([^"]+)"', text)
    assert len(told) > 15
    filled = {
        "{number}": "1",
        "{wanted}": "at least one is needed",
        "{grounded.problem}": "cites no passage",
        "{why}": "",
    }
    for name, value in filled.items():
        told = [text.replace(name, value) for text in told]
    assert [text for text in told if OTHER in reasons(text) and text != "; "] == []


def test_what_is_lost_beyond_the_tolerance_is_worse() -> None:
    old = scores(right_at_once=0.90, substituted=0.0, dollars=1.0, words=5000)
    assert compare(scores(right_at_once=0.89, substituted=0.0, dollars=1.04, words=100), old).worse == ()
    new = scores(right_at_once=0.80, substituted=0.02, dollars=1.06, words=100)
    assert compare(new, old).worse == ("right_at_once", "substituted", "dollars")
    assert compare(old, new).better == ("right_at_once", "substituted", "dollars")


def test_what_was_not_measured_is_neither_better_nor_worse() -> None:
    found = compare(scores(right_at_once=None), scores(right_at_once=0.9))
    assert (found.worse, found.better) == ((), ())
