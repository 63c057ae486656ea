"""The rules by which the author judges sentences, terms, titles and tables."""

import pytest

from coursewright.course.plan import Concept
from coursewright.generation.authors.extractive.acronyms import expansions
from coursewright.generation.authors.extractive.brainbytes import seconds
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts, predicate, unlike
from coursewright.generation.authors.extractive.questions.draft import stable
from coursewright.generation.authors.extractive.rank import by_relevance, lexrank, vectors
from coursewright.generation.authors.extractive.reading_order import in_reading_order
from coursewright.generation.authors.extractive.segment import prices, segment
from coursewright.generation.authors.extractive.sentences import is_speakable, is_standalone, sentences
from coursewright.generation.authors.extractive.tables import rows_of
from coursewright.generation.authors.extractive.titles import clean, is_matter, label, telling
from coursewright.generation.authors.extractive.words import content_stems, function_words, tokens
from tests.unit.generation.extractive.factory import passages

EN = catalogue("en")


@pytest.mark.parametrize(
    "sentence, alone",
    [
        ("A frame is the set of tubes that carries every other part.", True),
        ("It is the set of tubes that carries every other part.", False),
        ("However, the frame carries every other part of the bicycle.", False),
        ("The frame carries all parts that are shown in Figure 3 here.", False),
        ("The frame is described above together with all of its parts.", False),
        ("The frame carries every part", False),
        ("Frames carry parts.", False),
        ("and the frame carries every other part of the whole bicycle.", False),
        ("Does the frame carry every other part of the whole bicycle?", False),
    ],
)
def test_standalone_sentences(sentence: str, alone: bool) -> None:
    assert is_standalone(sentence, EN) is alone


def test_sentences_are_exact_spans() -> None:
    text = "Mr. Smith rides, e.g. to work.  He walks home. "
    assert [text[start:end] for start, end in sentences(text, "en")] == [
        "Mr. Smith rides, e.g. to work.",
        "He walks home.",
    ]


@pytest.mark.parametrize(
    "text", ["Run `ls` now.", "Open /etc/passwd now.", "See https://x.org now.", "a | b", "f() runs."]
)
def test_code_addresses_and_tables_are_not_spoken(text: str) -> None:
    assert not is_speakable(text)


@pytest.mark.parametrize(
    "heading, title",
    [
        ("Chapter 4. Installation", "Installation"),
        ("4.1.2. Booting", "Booting"),
        ("2) Wiring", "Wiring"),
        ("Appendix A. Derived Distributions", "Derived Distributions"),
        ("`apt` and dpkg", "apt and dpkg"),
        ("3 ways to win", "3 ways to win"),
        ("I am here", "I am here"),
    ],
)
def test_titles_are_cleaned(heading: str, title: str) -> None:
    assert clean(heading, EN) == title


def test_a_generic_title_is_prefixed_by_the_nearest_telling_parent() -> None:
    assert telling(("1. APT", "1.1 Syntax"), EN) == "APT: Syntax"
    assert telling(("Syntax",), EN) == "Syntax"


@pytest.mark.parametrize(
    "heading", ["Preface", "1. Licence", "Table of Contents", "Index", "Acknowledgments", "Bibliography"]
)
def test_front_and_back_matter(heading: str) -> None:
    assert is_matter(heading, EN)
    assert not is_matter(f"{heading} of bees", EN)


def test_labels_are_cut_where_the_title_pauses() -> None:
    stops = function_words("en")
    assert label("Maintenance and updates: the tools of the trade", stops) == "Maintenance and updates"
    assert label("How the bees find the of and to the hive", stops) == "How the bees find"


@pytest.mark.parametrize(
    "text, found",
    [
        ("the Advanced Package Tool (APT) is", [("APT", "Advanced Package Tool")]),
        ("DNS (Domain Name System) maps", [("DNS", "Domain Name System")]),
        ("a kind of frame (FAQ) is", []),
        ("we ate (EAT) it", []),
    ],
)
def test_acronyms(text: str, found: list[tuple[str, str]]) -> None:
    assert [(short, text[start:end]) for short, start, end in expansions(text)] == found


def terms(text: str) -> list[str]:
    return [concept.term for concept in find_concepts(passages(text), EN)]


PAD = " The hub turns, one hub squeaks, and every hub needs grease."


def test_a_definition_by_is_a_needs_three_uses_and_no_judgement() -> None:
    assert terms("# Wheel\n\nA hub is a drum in which the axle of a wheel turns." + PAD) == ["hub"]
    assert terms("# Wheel\n\nA hub is a drum in which the axle of a wheel turns.") == []
    assert terms("# Wheel\n\nA hub is a very important part of every single wheel." + PAD) == []
    assert terms("# Wheel\n\nIt is a drum in which the axle of a wheel turns." + PAD) == []
    assert terms("# Wheel\n\nHub Corp is a manufacturer of drums for the wheel." + PAD + " Hub Corp. Hub Corp.") == []


def test_the_same_term_is_one_concept() -> None:
    text = "# Wheel\n\nA hub is a drum in which the axle turns.\n\n# Axle\n\nHubs are a part that holds spokes." + PAD
    assert len(terms(text)) == 1


def concept(term: str, definition: str) -> Concept:
    return Concept(term=term, definition=definition, passage_id="p")


def test_what_a_term_is_is_told_without_the_term() -> None:
    assert predicate(concept("hub", "A hub is a drum that turns."), EN) == "a drum that turns"
    assert predicate(concept("hub", "Drum that turns."), EN) == "Drum that turns"


def test_two_definitions_that_would_both_be_right_never_stand_side_by_side() -> None:
    left = concept("AppArmor", "AppArmor is a mandatory access control system built on kernel security modules.")
    right = concept("SELinux", "SELinux is a mandatory access control system built on the kernel security interface.")
    other = concept("hub", "A hub is a drum in which the axle of a wheel turns.")
    assert not unlike(left, right, EN)
    assert unlike(left, other, EN)


def test_cells_of_a_table_are_exact_spans() -> None:
    text = "| a | b |\n|---|:-:|\n| x  | y |"
    rows = rows_of(text)
    assert [[cell[0] for cell in row] for row in rows] == [["a", "b"], ["x", "y"]]
    assert all(text[start:end] == cell for row in rows for cell, start, end in row)
    assert rows_of("| a | b |\n| x | y |") == []


def test_repeats_are_left_out_and_ties_go_to_the_earlier_text() -> None:
    texts = vectors([["hub", "wheel"], ["hub", "wheel"], ["rope", "sail"]])
    assert by_relevance(texts, lexrank(texts)) == [0, 2]


def test_cuts_fall_on_headings_and_counts_are_exact() -> None:
    paths = [("A",), ("A",), ("B",), ("B",), ("B",)]
    assert segment([90, 100, 110, 90, 90], *prices(paths), groups=2, target=0) == [2, 5]
    assert segment([1, 1, 1, 1, 1], *prices(paths), groups=5, target=0) == [1, 2, 3, 4, 5]
    assert segment([100] * 6, [0.0] * 6, [0.0] * 6, groups=None, target=200) == [2, 4, 6]


def test_numbered_files_are_read_in_the_order_of_their_chapters() -> None:
    given = passages(
        **{
            "apt.html": "# 2.1. Sources\n\nSources tell where packages come from.",
            "boot.html": "# Chapter 1. Boot\n\nThe machine wakes up slowly.",
            "tools.html": "# Chapter 2. Tools\n\nTools make light work.",
        }
    )
    ordered = in_reading_order(given, EN)
    assert [one.document for one in ordered] == ["boot.html", "tools.html", "apt.html"]
    assert ordered[2].heading_path == ("Chapter 2. Tools", "2.1. Sources")


def test_unnumbered_files_keep_their_order() -> None:
    given = passages(**{"b.md": "# Boot\n\nThe machine wakes up.", "a.md": "# Apt\n\nPackages come in."})
    assert [one.document for one in in_reading_order(given, EN)] == ["b.md", "a.md"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_is_whole(language: str) -> None:
    words, english = catalogue(language), catalogue("en")
    assert {group: set(texts) for group, texts in words.texts.items()} == {
        group: set(texts) for group, texts in english.texts.items()
    }
    for group, texts in english.texts.items():
        for name, text in texts.items():
            inserts = {part.split("}")[0] for part in text.split("{")[1:]}
            assert {part.split("}")[0] for part in words.texts[group][name].split("{")[1:]} == inserts


@pytest.mark.parametrize(
    "language, text, term",
    [
        ("de", "Ein Patch ist eine Datei, die Änderungen an anderen Dateien beschreibt. Der Patch. Patch.", "Patch"),
        ("fr", "Un démon est un processus qui tourne en arrière-plan du système. Le démon. Un démon.", "démon"),
        (
            "es",
            "Un enrutador es una máquina que conecta varias redes entre sí. El enrutador. Un enrutador.",
            "enrutador",
        ),
        (
            "ja",
            "パッチとは複数のファイルに対する変更内容を記述したファイルです。パッチを作る。パッチを送る。",
            "パッチ",
        ),
        ("ar", "المخدم هو البرنامج الذي يستلم الطلبات من العميل وينفذها. شغل المخدم. أوقف المخدم.", "المخدم"),
    ],
)
def test_definitions_are_found_in_each_language(language: str, text: str, term: str) -> None:
    found = find_concepts(passages(f"# X\n\n{text}", language=language), catalogue(language))
    assert [one.term for one in found] == [term]


def test_words_are_compared_by_stem_and_by_bigram() -> None:
    assert content_stems("The mechanics", "en") == content_stems("mechanic", "en")
    assert tokens("変更内容", "ja") == ["変更", "更内", "内容"]


def test_pace_counts_words_or_characters() -> None:
    assert seconds("word " * 150, EN) == 60.0
    assert seconds("字" * 350, catalogue("ja")) == 60.0


def test_the_stable_number_is_the_same_on_every_machine() -> None:
    assert stable(1, "a") == stable(1, "a") != stable(2, "a")
    assert stable("x") == 0x2D711642B726B044  # the first eight bytes of SHA-256("x")
