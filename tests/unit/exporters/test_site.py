"""The site says everything, links only to what exists, and never runs what the sources say."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from coursewright.course import walk
from coursewright.course.model import Block, BrainBytes, Citation, LongAnswer, Segment
from coursewright.exporters.markdown import render_markdown
from coursewright.exporters.site import render_site
from coursewright.exporters.site.mindmap import _WIDEST, _wrap
from tests.sample_course import HOSTILE, STEPS, sample_course

SITE = {name: content.decode() for name, content in render_site(sample_course()).items()}
PAGES = {name: LexborHTMLParser(text) for name, text in SITE.items() if name.endswith(".html")}


def test_every_page_is_there() -> None:
    expected = {"index", "lesson-1-1", "lesson-1-2", "quiz-1", "exam", "sources", "print"}
    assert set(PAGES) == {f"{name}.html" for name in expected}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_and_assets_exist_and_anchors_too(name: str) -> None:
    for node in PAGES[name].css("[href], [src]"):
        target = node.attributes.get("href") or node.attributes.get("src") or ""
        if target.startswith("data:"):
            continue
        file, _, anchor = target.partition("#")
        assert (file or name) in SITE, target
        if anchor:
            assert PAGES[file or name].css(f'[id="{anchor}"]'), target


@pytest.mark.parametrize("name", sorted(PAGES))
def test_ids_are_unique_and_the_policy_is_strict(name: str) -> None:
    ids = [node.attributes["id"] for node in PAGES[name].css("[id]")]
    assert len(ids) == len(set(ids))
    (policy,) = (node.attributes["content"] or "" for node in PAGES[name].css("meta[http-equiv]"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", sorted(PAGES))
def test_hostile_text_stays_text(name: str) -> None:
    for script in PAGES[name].css("script"):
        assert (script.attributes.get("src") or "").startswith("assets/")
        assert not script.text()
    assert not PAGES[name].css("img, [onerror], [style]")
    assert not [a for a in PAGES[name].css("a[href]") if (a.attributes["href"] or "").startswith("javascript:")]


def test_hostile_text_is_shown() -> None:
    (shown,) = (node.text() for node in PAGES["lesson-1-1.html"].css("#sec-hostile p:first-of-type"))
    assert HOSTILE.strip("\u2028 ") in shown


@pytest.mark.parametrize("name", ["assets/sources.js", "assets/search.js"])
def test_scripts_with_course_text_hold_no_markup(name: str) -> None:
    assert not re.search("[<>&\u2028]", SITE[name])
    assert "onerror" in SITE[name]


def test_the_notice_and_the_licence_stand_on_every_page() -> None:
    for page in PAGES.values():
        text = page.body.text() if page.body else ""
        assert "no language model was used" in text
        assert "CC BY 4.0" in text


def test_every_kind_of_question_shows_its_answer_without_scripts() -> None:
    answers = [node.text() for node in PAGES["lesson-1-1.html"].css(".answer")]
    assert len(answers) == 8
    for needed in ("The list of packages", "An index", "True", "repository", STEPS[0], "apt-get update", "names where"):
        assert any(needed in answer for answer in answers), needed


def test_the_sources_page_marks_what_is_quoted() -> None:
    marks = [node.text() for node in PAGES["sources.html"].css("mark")]
    assert any("A package index is the list" in mark for mark in marks)


@pytest.mark.parametrize("language, direction", [("ar", "rtl"), ("ja", "ltr"), ("de", "ltr"), ("pl", "ltr")])
def test_language_and_direction_are_declared(language: str, direction: str) -> None:
    (root,) = LexborHTMLParser(render_site(sample_course(language))["index.html"].decode()).css("html")
    assert (root.attributes["lang"], root.attributes["dir"]) == (language, direction)


def test_nested_lists_stay_nested() -> None:
    assert [node.text() for node in PAGES["lesson-1-1.html"].css(".list ol > li > ul > li")] == [
        "by name",
        "by pattern",
    ]


def test_a_heading_inside_a_section_is_shown_as_one_and_a_table_without_header_has_none() -> None:
    course = sample_course()
    lesson = course.modules[0].lessons[0]
    cited = Citation(passage_id="p-sync", quote="repository")
    blocks = (
        Block(id="b-heading", kind="paragraph", text="repository", citations=(cited,)),
        Block(id="b-table", kind="table", text="|  |  |\n| --- | --- |\n| index | list |", citations=(cited,)),
    )
    section = lesson.sections[0].model_copy(update={"blocks": blocks})
    lesson = lesson.model_copy(update={"sections": (section,)})
    module = course.modules[0].model_copy(update={"lessons": (lesson, *course.modules[0].lessons[1:])})
    sources = tuple(
        source.model_copy(update={"heading_path": ("Packages", "1. A repository")}) for source in course.sources
    )
    course = course.model_copy(update={"modules": (module, *course.modules[1:]), "sources": sources})
    site = {name: LexborHTMLParser(text.decode()) for name, text in render_site(course).items() if ".html" in name}
    assert [node.text() for node in site["lesson-1-1.html"].css(".section h3.sub")] == ["repository"]
    assert [node.text() for node in site["print.html"].css(".section h4.sub")] == ["repository"]
    assert not site["lesson-1-1.html"].css(".section thead")
    assert [node.text() for node in site["lesson-1-1.html"].css(".section td")] == ["index", "list"]
    assert "\n##### repository\n" in render_markdown(course)


def test_a_dot_in_a_title_stays_with_the_word_before_it() -> None:
    course = sample_course()
    module = course.modules[0]
    lesson = module.lessons[0].model_copy(update={"title": "Backups · On call"})
    module = module.model_copy(update={"title": "Mail · News", "lessons": (lesson, *module.lessons[1:])})
    files = render_site(course.model_copy(update={"modules": (module, *course.modules[1:])}))
    for name in ("index.html", "lesson-1-1.html", "quiz-1.html", "print.html"):
        body = files[name].decode().partition("<body")[2]
        assert "Mail\u00a0· News" in body
        assert "Mail · News" not in body
        assert "Backups · On call" not in body
    first = "x" * (_WIDEST - 3)
    assert _wrap(f"{first} on · News") == [first, "on · News"]


def test_points_in_an_answer_are_a_list_and_the_title_of_a_note_has_a_line_of_its_own() -> None:
    course = sample_course()
    lesson = course.modules[0].lessons[0]
    points = LongAnswer(
        id="q-points",
        stem="What are the main points?",
        answer="- one\n  - two",
        bloom="understand",
        difficulty="medium",
        objective=lesson.objectives[0],
        citations=(Citation(passage_id="p-sync", quote="repository"),),
    )
    note = Block(id="b-note", kind="note", text="TIP Fuel\nHay burns.", citations=points.citations)
    section = lesson.sections[0].model_copy(update={"blocks": (note,)})
    asked = lesson.assessment.model_copy(update={"questions": (points,)})
    lesson = lesson.model_copy(update={"sections": (section,), "assessment": asked, "minutes": 135})
    module = course.modules[0].model_copy(update={"lessons": (lesson,)})
    course = course.model_copy(update={"modules": (module,)})
    files = render_site(course)
    page = LexborHTMLParser(files["lesson-1-1.html"].decode())
    assert [node.text() for node in page.css(".answer li > ul > li")] == ["two"]
    callout = page.css_first(".callout p")
    assert callout is not None
    assert callout.text().startswith("TIP Fuel\nHay burns.")
    assert "2 h 15 min" in files["index.html"].decode()
    text = render_markdown(course)
    assert "*Answer:*\n\n- one\n  - two" in text
    assert "> **Note:** TIP Fuel  \n> Hay burns." in text


def test_what_cites_nothing_is_marked_as_not_from_the_documents() -> None:
    course = sample_course()
    blocks = [block for section in walk.sections(course) for block in section.section.blocks]
    marked = [node.parent.text() for node in PAGES["print.html"].css(".addition") if node.parent]
    without = [block.text for block in blocks if not block.citations]
    assert len(marked) == len(without) == 1
    assert without[0] in marked[0]
    assert render_markdown(course).count("*(Not from the documents)*") == 1


def test_a_map_without_branches_and_a_script_of_a_title_are_not_shown() -> None:
    course = sample_course()
    lesson = course.modules[0].lessons[0]
    assert lesson.mind_map is not None
    bare = lesson.model_copy(
        update={
            "mind_map": lesson.mind_map.model_copy(update={"branches": lesson.mind_map.branches[:1]}),
            "brainbytes": BrainBytes(title="Apt", segments=(Segment(text="Apt.", seconds=0.4),), seconds=0.4),
        }
    )
    module = course.modules[0].model_copy(update={"lessons": (bare,)})
    short = course.model_copy(update={"modules": (module,)})
    page = render_site(short)["lesson-1-1.html"].decode()
    for gone in ('id="mind-map"', "#mind-map", 'id="brainbytes"', "#brainbytes"):
        assert gone in SITE["lesson-1-1.html"]
        assert gone not in page
    assert "#### Mind map" in render_markdown(course)
    assert "#### Mind map" not in render_markdown(short)
    assert "#### Brain bytes" not in render_markdown(short)
