"""Which words of a question are asked for."""

import pytest

from coursewright.documents.question import essence, language_of


@pytest.mark.parametrize(
    "question, spoken, language, kept",
    [
        ("How do I calm the bees?", "en", "en", "How do I calm the bees?"),  # Postgres leaves them out itself
        ("How do I calm the bees?", "en", "de", "calm bees?"),
        ("パッケージを削除する方法は？", "ja", "ja", "パッケージ 削除 方法 ？"),
        ("كيف أزيل حزمة؟", "ar", "ar", "أزيل حزمة؟"),
        ("みつばち", "ja", "ja", "みつばち"),
        ("how to", "en", "de", "how to"),
    ],
)
def test_stop_words_are_left_out_unless_nothing_else_is_there(
    question: str, spoken: str, language: str, kept: str
) -> None:
    assert essence(question, spoken, language).split() == kept.split()


@pytest.mark.parametrize(
    "question, languages, spoken",
    [
        ("How do I calm the bees?", ["en", "de"], "en"),
        ("Wie beruhige ich die Bienen?", ["en", "de"], "de"),
        ("Comment calmer les abeilles ?", ["en", "fr"], "fr"),
        ("蜂を落ち着かせるにはどうすればよいですか", ["en"], "ja"),
        ("bees", ["de"], "de"),
        ("bees", [], ""),
    ],
)
def test_a_short_question_is_in_one_of_the_languages_of_the_knowledge_base(
    question: str, languages: list[str], spoken: str
) -> None:
    assert language_of(question, languages) == spoken
