"""The measures find what they say they find, and nothing in what is sound."""

from typing import Any

import pytest

from coursewright.course.model import Course, MultipleChoice, Option, ShortAnswer, TrueFalse
from coursewright.course.quality import KnowledgeSection, LeftOut, ReadingWarning, measure, words
from coursewright.course.quality.flaws import flaws
from coursewright.course.quality.items import chi_square_p
from coursewright.course.quality.support import Support
from tests.sample_course import INDEX, sample_course


def with_block(text: str, **change: Any) -> Course:
    course = sample_course().model_dump()
    course["modules"][0]["lessons"][0]["sections"][0]["blocks"][0].update({"text": text, **change})
    return Course.model_validate(course)


def flagged(course: Course, name: str, where: str = "b-1") -> list[str]:
    return [flag.why for flag in measure(course).measure(name).flags if flag.where.endswith(where)]


def test_the_report_is_the_same_every_time() -> None:
    assert measure(sample_course()).model_dump_json() == measure(sample_course()).model_dump_json()


def test_verbatim_text_is_carried_by_its_citation() -> None:
    assert flagged(sample_course(), "citation_recall") == []


@pytest.mark.parametrize(
    "text",
    [
        "Volcanoes erupt when magma rises through cracks of the crust.",
        "A package index is the list of 4000 packages that a repository offers.",
        "A package index is the list of packages that a Gentoo repository offers.",
    ],
    ids=["other words", "a number of its own", "a name of its own"],
)
def test_a_sentence_that_its_passage_does_not_carry_is_flagged(text: str) -> None:
    assert flagged(with_block(text), "citation_recall")


def test_a_citation_that_carries_nothing_is_flagged() -> None:
    course = with_block(
        INDEX,
        citations=(
            {"passage_id": "p-sync", "quote": INDEX},
            {"passage_id": "p-hostile", "quote": "must be shown and never run"},
        ),
    )
    flags = [flag.what for flag in measure(course).measure("citation_precision").flags if flag.where.endswith("b-1")]
    assert flags == ["p-hostile"]


def test_a_passage_that_the_author_was_not_given_makes_a_citation_invalid() -> None:
    assert measure(sample_course()).measure("citation_validity").value == 1
    pinned = measure(sample_course(), pins={"sec-steps": ["p-sync"], "les-steps": []}).measure("citation_validity")
    assert [flag.where for flag in pinned.flags] == ["mod-1/les-steps/sec-steps/b-10"]
    assert pinned.passed is False


def test_an_uncited_block_is_listed_and_judged_in_kb_only_alone() -> None:
    course = sample_course()
    strict, free = measure(course), measure(course.model_copy(update={"mode": "kb_supplemented"}))
    assert [flag.where.split("/")[-1] for flag in strict.measure("uncited").flags] == ["b-9"]
    assert strict.measure("uncited").passed is False
    assert free.measure("uncited").passed is None


def test_the_share_of_sentences_from_the_sources_is_judged_in_kb_priority_alone() -> None:
    course = sample_course().model_copy(update={"mode": "kb_priority"})
    found = measure(course).measure("from_sources")
    assert found.passed is True
    assert found.figures["sentences"] - found.figures["cited"] == 1  # the block without a citation
    added = with_block(
        "It adds one. It adds two. It adds three. It adds four. It adds five. It adds six.", citations=()
    )
    assert measure(added.model_copy(update={"mode": "kb_priority"})).measure("from_sources").passed is False
    with pytest.raises(KeyError):
        measure(sample_course()).measure("from_sources")


def test_what_cites_another_language_is_not_measured_by_overlap() -> None:
    course = sample_course().model_dump()
    for source in course["sources"]:
        source["language"] = "de"
    found = measure(Course.model_validate(course))
    assert found.measure("citation_recall").value is None
    assert found.measure("citation_precision").value is None


@pytest.mark.parametrize(
    ("sentence", "carried"),
    [("夜か朝に巣箱を運びましょう。", True), ("電気柵は熊を遠ざけます。", False), ("８０kgの巣箱を運びます。", True)],
)
def test_japanese_is_compared_without_particles_and_endings(sentence: str, carried: bool) -> None:
    support = Support({"p": "巣箱は夜か早朝に運びます。重さは80kgです。"}, "ja")
    assert support.supports(sentence, ["p"]) is carried


def test_coverage_names_the_sections_that_no_lesson_uses() -> None:
    sections = [KnowledgeSection("a.md", ("Used",), ("p-sync",)), KnowledgeSection("a.md", ("Not",), ("p-other",))]
    coverage = measure(sample_course(), kb_sections=sections).measure("source_coverage")
    assert coverage.value == 0.5
    assert [flag.what for flag in coverage.flags] == ["Not"]


def choice(stem: str, key: str, *distractors: str) -> MultipleChoice:
    texts = (key, *distractors)
    options = tuple(Option(id=str(n), text=text, correct=n == 0) for n, text in enumerate(texts))
    return MultipleChoice(id="q", stem=stem, options=options, answer="0")


@pytest.mark.parametrize(
    "flaw, question",
    [
        ("all_of_the_above", choice("What does a hive hold?", "Wax", "Honey", "All of the above")),
        ("none_of_the_above", choice("What does a hive hold?", "Wax", "Stone", "None of these")),
        ("k_type", choice("What does a hive hold?", "A and B", "B and C", "A, B and C")),
        (
            "longest_option_correct",
            choice("What is a hive?", "A box in which a colony of bees lives", "A tool", "A bee"),
        ),
        ("absolute_terms", choice("When do bees fly?", "On warm days", "Always", "Never in spring")),
        ("vague_terms", choice("When do bees fly?", "Usually at noon", "At night", "In winter")),
        ("sequence", choice("How many frames are there?", "10", "40", "20")),
        ("implausible_distractors", choice("How many frames are there?", "10", "several of them", "a couple")),
        ("negative_wording", choice("Which of these is not a bee?", "Wasp", "Drone", "Queen")),
        ("fill_in_stem", choice("A ____ lays the eggs of a colony.", "Queen", "Drone", "Worker")),
        ("true_false_style", choice("Which of the following is true?", "Bees fly", "Bees swim", "Bees dig")),
        ("unfocused_stem", choice("Bees?", "Wasp", "Drone", "Queen")),
        ("word_repeats", choice("What does a smoker calm?", "The smoker's colony", "The wind", "The keeper")),
        ("grammatical_cues", choice("The lid of a hive is an", "outer cover", "tool", "frame")),
        ("more_than_one_answer", choice("What is wax for?", "Building comb", "comb building", "Food")),
        ("gratuitous_information", choice("What is a hive, " + "said the keeper to the guest " * 20 + "?", "x", "y")),
        ("convergence", choice("What is in bread?", "Flour and water", "Flour and sand", "Water and clay")),
    ],
)
def test_an_item_writing_flaw_is_found(flaw: str, question: MultipleChoice) -> None:
    assert flaw in [name for name, _ in flaws(question, "en")]


def test_a_sound_item_has_no_flaw() -> None:
    assert flaws(choice("Which bee lays the eggs of a colony?", "The queen", "The drone", "A worker"), "en") == ()


@pytest.mark.parametrize(
    "language, option",
    [("de", "Alle oben genannten"), ("fr", "Toutes ces réponses"), ("es", "Todas las anteriores"),
     ("ja", "上記のすべて"), ("ar", "جميع ما سبق")],
)  # fmt: skip
def test_all_of_the_above_is_known_in_every_language(language: str, option: str) -> None:
    assert "all_of_the_above" in [name for name, _ in flaws(choice("Was? Was? Was?", "Eins", option), language)]


def with_exam(*questions: Any) -> Course:
    course = sample_course().model_dump()
    course["exam"] = {"questions": [question.model_dump() for question in questions]}
    return Course.model_validate(course)


def test_the_same_instruction_about_something_else_is_another_question() -> None:
    stem = "「{}」の要点は何ですか。自分の言葉で答えてください。"
    asked = [ShortAnswer(id=f"q-{n}", stem=stem.format(t), answer=(t,)) for n, t in enumerate(("設定", "監視", "設定"))]
    duplicates = measure(with_exam(*asked)).measure("duplicates")
    assert [flag.where for flag in duplicates.flags] == ["exam/q-2"]


def test_a_question_asked_again_in_the_exam_is_a_duplicate() -> None:
    again = TrueFalse(id="q-again", stem="`apt update` changes no installed package.", answer=True)
    duplicates = measure(with_exam(again)).measure("duplicates")
    assert [flag.where for flag in duplicates.flags] == ["exam/q-again"]
    assert duplicates.passed is False


def test_keys_at_one_place_only_are_told_from_keys_at_every_place() -> None:
    same = [choice(f"What is thing number {n} of the list?", f"k{n}", f"x{n}", f"y{n}") for n in range(45)]
    same = [question.model_copy(update={"id": f"q{n}"}) for n, question in enumerate(same)]
    assert measure(with_exam(*same)).measure("key_positions").passed is False
    turned = [q.model_copy(update={"options": q.options[n % 3 :] + q.options[: n % 3]}) for n, q in enumerate(same)]
    assert measure(with_exam(*turned)).measure("key_positions").passed is True
    assert measure(with_exam(*same[:20])).measure("key_positions").passed is None


def test_the_chi_square_distribution_agrees_with_tables() -> None:
    assert chi_square_p(7.815, 3) == pytest.approx(0.05, abs=1e-3)
    assert chi_square_p(0, 3) == 1


def test_a_long_key_gives_itself_away() -> None:
    long = choice("What is a hive?", "A wooden box in which a colony of honey bees lives and stores", "A tool", "A bee")
    tell = measure(with_exam(long)).measure("length_tell")
    assert [flag.where for flag in tell.flags] == ["exam/q"]


def test_a_sentence_of_two_lessons_is_reused() -> None:
    course = sample_course().model_dump()
    course["modules"][0]["lessons"][1]["sections"][0]["blocks"][0]["text"] = INDEX
    report = measure(Course.model_validate(course))
    assert [flag.where for flag in report.measure("reused_sentences").flags] == ["mod-1/les-steps/b-10"]
    assert report.measure("redundancy").passed is False


def test_a_heading_of_two_lessons_is_no_sentence() -> None:
    course = sample_course().model_dump()
    block = course["modules"][0]["lessons"][1]["sections"][0]["blocks"][0]
    block |= {"text": INDEX, "citations": [{"passage_id": "p-sync", "quote": INDEX}]}
    for source in course["sources"]:
        source["heading_path"] = ("Packages", INDEX)
    assert measure(Course.model_validate(course)).measure("reused_sentences").value == 0


def test_readability_is_judged_against_the_level() -> None:
    course = with_block("The cat sat on the mat and the dog ran to the big red barn in the sun. " * 12)
    assert measure(course).measure("readability").passed is None
    assert measure(course, level="graduate").measure("readability").passed is False


def test_an_objective_must_be_measurable_taught_and_asked() -> None:
    course = sample_course().model_dump()
    course["modules"][0]["lessons"][0]["objectives"] = ("Understand volcanoes",)
    (flag,) = measure(Course.model_validate(course)).measure("alignment").flags
    assert flag.why.count(";") == 2
    (flag,) = measure(Course.model_validate(course), unasked=True).measure("alignment").flags
    assert "no question" not in flag.why


def test_a_field_in_another_language_is_flagged() -> None:
    german = "Der Paketindex ist die Liste aller Pakete, die ein Server für die Benutzer bereithält und anbietet."
    assert flagged(with_block(german), "language")


def test_what_was_given_to_the_report_stands_in_it() -> None:
    left_out = [LeftOut(document="a.pdf", reason="empty")]
    lost = [ReadingWarning(document="b.pdf", warning="2 of 5 pages are damaged")]
    report = measure(sample_course(), shortfalls=["3 of 5"], gaps=["Prices"], left_out=left_out, warnings=lost)
    assert (report.shortfalls, report.gaps) == (("3 of 5",), ("Prices",))
    assert report.left_out[0].document == "a.pdf"
    assert report.warnings == tuple(lost)
    assert [(share.language, share.passages, share.cited) for share in report.languages] == [("en", 3, 3)]


def test_japanese_words_are_pairs_of_characters() -> None:
    assert words.words("東京都のDebian") == ["東京", "京都", "都の", "debian"]
