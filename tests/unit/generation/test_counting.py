"""What a page reads about a knowledge base: the words of its depth, and the recommended mode by the page's own rule."""

from itertools import product

import pytest

from coursewright.course.plan import Concept
from coursewright.documents.passages import Passage, Span
from coursewright.generation.authors.counting import Depth, SourceQuality, count_up
from tests.front_end import rows, words

WORDS_OF: dict[Depth, int] = {"minimal": 1_000, "moderate": 4_000, "comprehensive": 9_000}
QUALITIES: tuple[SourceQuality, ...] = ("low", "medium", "high")
RULES = rows("depth", "quality", "passages", "recommended")


def _source(depth: Depth, quality: SourceQuality, passages: int) -> tuple[list[Passage], list[Concept]]:
    """Return prose of that depth; it is good when it has headings, and better when its terms are defined, too."""
    text = "word " * (WORDS_OF[depth] // passages + 1)
    path = () if quality == "low" else ("Heading",)
    span = Span("paragraph", 0, len(text), "en")
    made = [
        Passage(str(n), "a.md", "A", n, path, 0, len(text), text, "en", "0" * 64, spans=(span,))
        for n in range(passages)
    ]
    return made, [Concept(term="a", definition="b", passage_id="0")] * (6 if quality == "high" else 0)


@pytest.mark.parametrize("depth", words()["contentDepth"])
def test_the_depth_has_a_word(depth: Depth) -> None:
    passages, concepts = _source(depth, "medium", 50)
    assert count_up(passages, "en", concepts).depth == depth


@pytest.mark.parametrize("depth, quality, number", list(product(WORDS_OF, QUALITIES, (39, 40))))
def test_the_mode_is_recommended_by_the_rule_of_the_pages(depth: Depth, quality: SourceQuality, number: int) -> None:
    passages, concepts = _source(depth, quality, number)
    counted = count_up(passages, "en", concepts)
    assert (counted.depth, counted.quality, counted.passages) == (depth, quality, number)
    *rules, (_, _, _, otherwise) = RULES
    fitting = [
        mode
        for of_depth, of_quality, least, mode in rules
        if depth == of_depth and quality in of_quality.split(" or ") and number >= int(least.split()[0])
    ]
    assert [counted.recommended_mode] == (fitting or [otherwise])
