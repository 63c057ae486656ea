"""What a reader of whole courses stumbles over: notes that are links, details as summaries, covers, prefaces."""

import pytest

from coursewright.course.plan import Outline
from coursewright.documents.passages import Passage
from coursewright.documents.read import read
from coursewright.documents.split import split
from coursewright.generation.authors.extractive.catalogue import catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts, predicate
from coursewright.generation.authors.extractive.material import lesson_passages
from coursewright.generation.authors.extractive.questions.gap import gaps
from coursewright.generation.authors.extractive.reading_order import in_reading_order
from coursewright.generation.authors.extractive.section import best_sentences, shown_blocks
from coursewright.generation.authors.extractive.sentences import is_standalone
from tests.unit.generation.extractive.factory import passages
from tests.unit.generation.extractive.test_course import Made

EN = catalogue("en")
NOTES = """<html lang="en"><body><h1>Remote services</h1><p>Remote services answer calls from other machines.</p>
<div class="sidebar"><p class="title">BACK TO BASICS RPC</p><div class="para">RPC (Remote Procedure Call) is a standard
for remote services. NFS is one such service.</div><div class="para">→ <a href="#">https://example.org/rpc</a></div></div>
<div class="seealso"><p>See also</p></div><p>1https://example.org/a 2https://example.org/b</p></body></html>"""


def _passages(html: str) -> list[Passage]:
    return list(split(read("services.html", html.encode()), "services.html"))


def test_a_note_that_is_only_a_link_is_not_shown() -> None:
    shown = [block.text for block in shown_blocks(_passages(NOTES), (), EN)]
    assert shown[0] == "Remote services answer calls from other machines."
    assert [text.splitlines()[0] for text in shown[1:]] == ["BACK TO BASICS RPC"]


def test_addresses_without_end_are_looked_through_in_no_time() -> None:
    hostile = "http://x" * 5_000 + " is what the author of the machine wrote about it."
    assert [block.text for block in shown_blocks(passages(f"# Links\n\n{hostile}"), (), EN)] == [hostile]


def test_a_long_address_is_no_text_in_a_language_that_counts_characters() -> None:
    text = "# リンク\n\nセキュアーシェルはインターネット経由で接続するセキュアーな方法です。\n\n→ https://example.org/a/long/address.html"
    assert len(shown_blocks(passages(text, language="ja"), (), catalogue("ja"))) == 1


def test_what_a_note_defines_below_its_title_is_a_concept() -> None:
    (concept,) = [one for one in find_concepts(_passages(NOTES * 3), EN) if one.kind == "copula"]
    assert (concept.term, predicate(concept, EN)) == ("RPC", "a standard for remote services")


def test_of_like_sentences_the_one_that_opens_a_paragraph_is_told_first() -> None:
    text = """# Backups

Copies of all data are made at night by a machine in the cellar. The lamp of the machine shines green all night long.

The lamp of the machine shines red where the cellar stands open. The machine in the cellar is safe from all theft.
"""
    (told,) = best_sentences(shown_blocks(passages(text), (), EN), "", EN, 1)
    assert told.startswith("The lamp of the machine shines red")


@pytest.mark.parametrize("title, place", [("Lamps", 0), ("Theft", 1)])
def test_of_like_sentences_the_one_on_the_title_is_told_first(title: str, place: int) -> None:
    told = (
        "The lamp of the machine shines in the cellar of the house.",
        "The cellar of the house is locked against theft of the machine.",
    )
    shown = shown_blocks(passages("# Backups\n\n" + "\n\n".join(told)), (), EN)
    assert best_sentences(shown, title, EN, 1) == [told[place]]


@pytest.mark.parametrize(
    "sentence",
    [
        "To write extensions in C or C++, read Extending and Embedding the Python Interpreter.",
        "All options of the command line are described in Command line and environment.",
        "Unfortunately the tool does not store the data that most of the tests need.",
        "The server then sends its settings for the appropriate network to the machine.",
        "The free operating system that he sought had to have two principal features.",
    ],
)
def test_what_points_elsewhere_or_back_does_not_stand_alone(sentence: str) -> None:
    assert not is_standalone(sentence, EN)


def test_one_sentence_is_shown_beside_one_term() -> None:
    licences = "The licences in use are the General Public License (GPL) and the Lesser General Public License (LGPL)."
    (section,) = Made(passages(f"# Licences\n\n{licences} The GPL and the LGPL are both free.")).sections
    assert [(one.term, one.explanation) for one in section.key_concepts] == [("GPL", licences)]


CHAPTER = "Each chapter of the handbook tells how the machines of the house are looked after from day to day. " * 50


def _handbook(**more: str) -> Outline:
    return Made(
        passages(
            **{
                "index.html": "# The Handbook\n\nAbstract\n\nA reference book on the care of machines.",
                "book.html": f"# 2. Who Is this Book For?\n\n{CHAPTER}",
                "first.html": f"# Chapter 1. First Steps\n\n{CHAPTER}",
                "next.html": f"# Chapter 2. Next Steps\n\n{CHAPTER}",
                "extra.html": f"# Appendix A. Extras\n\n{CHAPTER}",
                "extra10.html": f"# A.10. Tin\n\n{CHAPTER}",
                "extra2.html": f"# A.2. Iron\n\n{CHAPTER}",
                **more,
            }
        )
    ).outline


def test_sections_of_a_preface_stand_before_the_chapters_and_those_of_an_appendix_in_it() -> None:
    given = passages(
        **{
            "a.html": "# Chapter 1. First\n\nText.",
            "b.html": "# Chapter 2. Second\n\nText.",
            "c.html": "# 2. Who Is this Book For?\n\nText.",
            "d.html": "# A.10. Tin\n\nText.",
            "e.html": "# A.2. Iron\n\nText.",
            "f.html": "# Appendix A. Metals\n\nText.",
            "g.html": "# 2.1. Part\n\nText.",
        }
    )
    ordered = in_reading_order(given, EN)
    assert [one.document for one in ordered] == ["c.html", "a.html", "b.html", "g.html", "f.html", "e.html", "d.html"]
    assert ordered[-1].heading_path == ("Appendix A. Metals", "A.10. Tin")


def test_the_cover_of_a_book_names_the_course_and_is_no_lesson() -> None:
    outline = _handbook()
    sections = [section for module in outline.modules for one in module.lessons for section in one.sections]
    assert outline.title == "The Handbook"
    assert sections[0].title == "Who Is this Book For?"
    assert all("Abstract" not in section.title and section.title != "The Handbook" for section in sections)


def test_sections_of_a_preface_are_left_out_with_it() -> None:
    outline = _handbook(**{"preface.html": f"# Preface\n\n{CHAPTER}"})
    titles = [section.title for module in outline.modules for one in module.lessons for section in one.sections]
    assert titles[0].startswith("First Steps")
    assert not any("Book" in title for title in titles)
    assert outline.notes == ("Left out of the lessons: Preface.",)


def test_a_first_page_with_a_table_of_contents_is_a_cover() -> None:
    given = passages(f"# Bees of the north\n\nAda Example\n\nContents\n\nThe hive 3\n\n# The hive\n\n{CHAPTER * 4}")
    kept, _ = lesson_passages(given, EN)
    assert [passage.heading_path for passage in kept] == [("The hive",)]


@pytest.mark.parametrize("listing", ["class Incomplete\n    {", "def Incomplete(size):", "void Incomplete(int size);"])
def test_what_a_listing_defines_is_no_gap(listing: str) -> None:
    told = "The constructor of the class `Incomplete` first displays a message and throws an exception of its base."
    asked = [
        list(gaps(shown_blocks(passages(text), (), EN), "s", (), EN))
        for text in (
            f"# Exceptions\n\n{told}",
            f"# Exceptions\n\n{told}\n\n    {listing}",
        )
    ]
    assert [[draft.answers for draft in drafts] for drafts in asked] == [[("Incomplete",)], []]


def test_items_of_slides_are_said_and_nothing_is_recalled_of_nothing() -> None:
    slides = "# Packages\n\n- A convenient way to distribute software to users\n- `dpkg -i` installs one\n- Universal:"
    (script,) = Made(passages(slides)).scripts
    assert [one.text for one in script.segments] == ["Packages.", "A convenient way to distribute software to users"]
    (silent,) = Made(passages("# Packages\n\n- `dpkg -i` installs one of them on the machine\n- Universal:")).scripts
    assert [one.text for one in silent.segments] == ["Packages."]
