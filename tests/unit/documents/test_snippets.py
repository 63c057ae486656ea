"""What is shown of a passage: a verbatim part, where most of the question's words stand."""

import pytest

from coursewright.documents.snippets import CLOSE, OPEN, cut, marked_places, merge, unspaced_places

PARAGRAPH = "Bees fly far. " * 30 + "The smoker calms the bees. A veil keeps the face safe. " + "Combs are heavy. " * 30


def places(text: str, *words: str) -> list[tuple[int, int]]:
    return merge((at, at + len(word)) for word in words for at in range(len(text)) if text.startswith(word, at))


def test_a_snippet_is_a_verbatim_part_with_the_places_of_its_matches() -> None:
    snippet = cut(PARAGRAPH, places(PARAGRAPH, "smoker", "veil"), 0)
    assert PARAGRAPH[snippet.start : snippet.start + len(snippet.text)] == snippet.text
    assert [snippet.text[start:end] for start, end in snippet.matches] == ["smoker", "veil"]
    assert len(snippet.text) <= 240


def test_a_snippet_shows_where_most_different_words_stand() -> None:
    text = "smoker smoker smoker smoker. " + "Nothing here. " * 40 + "A smoker and a veil."
    snippet = cut(text, places(text, "smoker", "veil"), 0)
    assert snippet.text.endswith("A smoker and a veil.")


def test_a_snippet_begins_with_a_sentence_where_one_begins_nearby() -> None:
    snippet = cut(PARAGRAPH, places(PARAGRAPH, "veil"), 0)
    assert snippet.text.startswith(("Bees fly", "The smoker", "A veil"))


def test_the_heading_is_passed_over() -> None:
    text = "The smoker\n\n" + "It calms the bees. " * 3
    assert cut(text, places(text, "smoker"), 10).text.startswith("It calms")


@pytest.mark.parametrize("text", ["", " ", "short", "x" * 5000, "漢字" * 500])
def test_without_a_match_the_beginning_is_shown(text: str) -> None:
    snippet = cut(text, [], 0)
    assert text[snippet.start :].startswith(snippet.text)
    assert len(snippet.text) <= 240


def test_marks_are_counted_in_the_text_without_them() -> None:
    assert marked_places(f"a {OPEN}bee{CLOSE} and {OPEN}x{CLOSE}", len("a bee and x")) == [(2, 5), (10, 11)]


def test_marks_of_a_text_that_lost_a_part_are_not_trusted() -> None:
    assert marked_places(f"a {OPEN}bee{CLOSE}", 100) == []


def test_half_of_a_run_without_spaces_is_a_match() -> None:
    text = "ログファイルを見る。ファイルはパーティション。"
    found = [text[start:end] for start, end in merge(unspaced_places(text, "ログファイル ローテーション"))]
    assert found == ["ログファイル", "ファイル"]
