"""The words around the course: complete in every language, with its marks, and with no plural to get wrong."""

import json
import re
from pathlib import Path

import pytest

from coursewright import exporters
from coursewright.exporters.catalogue import catalogue
from coursewright.exporters.markdown import render_markdown
from tests.sample_course import sample_course

LANGUAGES = sorted(file.stem for file in (Path(exporters.__file__).parent / "languages").glob("*.json"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_has_every_key_and_every_placeholder(language: str) -> None:
    words, english = catalogue(language), catalogue("en")
    assert list(words) == list(english)
    for key, text in english.items():
        assert words[key].strip(), key
        assert set(re.findall(r"\{\w+\}", words[key])) == set(re.findall(r"\{\w+\}", text)), key


def test_the_catalogues_know_the_languages_of_the_built_in_author() -> None:
    assert LANGUAGES == ["ar", "de", "en", "es", "fr", "ja"]
    assert catalogue("de-AT") is not catalogue("en")
    assert dict(catalogue("de-AT")) == dict(catalogue("de"))
    assert dict(catalogue("pl")) == dict(catalogue("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice(language: str) -> None:
    text = (Path(exporters.__file__).parent / "languages" / f"{language}.json").read_text("utf-8")
    keys = [key for key, _ in json.loads(text, object_pairs_hook=list)]
    assert len(keys) == len(set(keys))


def test_an_answer_ends_once() -> None:
    german = render_markdown(sample_course("de"))
    assert "*Antwort:* " in german
    assert not re.search(r"\*Antwort:\* [^\n]*(?:\.\.|Stopp)", german)


def test_counted_words_need_no_plural() -> None:
    """Arabic has six plural forms: numbers stand after a colon, beside `of`, or before an abbreviation."""
    for language in LANGUAGES:
        for key, text in catalogue(language).items():
            if "{n}" in text and language != "ja":
                neutral = r":\s*\{n\}|\{n\} (?:of|von|sur|de|من|leçons sur) |\{n\} (?:min|Min\.|د)$|^(?:\w+) \{n\}$"
                assert re.search(neutral, text), (language, key, text)


def test_french_marks_have_spaces_that_do_not_break() -> None:
    for text in catalogue("fr").values():
        assert not re.search(r"(?<![\u00a0\u202f])[:;?!]", text), text


@pytest.mark.parametrize(
    "language, heading", [("fr", "## Module 1\u00a0: "), ("ja", "## モジュール 1："), ("en", "## Module 1: ")]
)
def test_headings_of_the_markdown_are_punctuated_as_the_language_is(language: str, heading: str) -> None:
    assert heading in render_markdown(sample_course(language))
