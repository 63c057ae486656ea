"""How a course says that it was made, in every language that courses are written in."""

import pytest

from coursewright.generation.authors.extractive.catalogue import LANGUAGES
from coursewright.generation.notices import notice


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_it_in_its_own_words(language: str) -> None:
    told = [notice(language, None, 9, 0), notice(language, "openai:x", 9, 2), notice(language, "openai:x", 9, 9)]
    english = [notice("en", None, 9, 0), notice("en", "openai:x", 9, 2), notice("en", "openai:x", 9, 9)]
    assert len(set(told)) == 3
    assert (told == english) == (language == "en")
    assert all(part in told[1] for part in ("openai:x", "2", "9"))


def test_a_regional_language_is_its_language_and_an_unknown_one_english() -> None:
    assert notice("de-AT", None, 9, 0) == notice("de", None, 9, 0)
    assert notice("nl", None, 9, 0) == "Assembled verbatim from your documents; no language model was used."


def test_the_stand_ins_part_is_told_where_it_has_one() -> None:
    assert "2 of its 9 parts" in notice("en", "openai:x", 9, 2)
    assert "parts" not in notice("en", "openai:x", 9, 0)
