"""HTML of documentation tools: title pages, footnotes, captions, long tables."""

from coursewright.documents.read import read
from coursewright.documents.split import split
from tests.unit.documents.making import blocks

_DOCBOOK = """<html><body><div class="book"><div class="titlepage"><h1 class="title">The hive</h1>
<div class="authorgroup"><div class="author"><h3 class="author"><span>Ada</span> <span>Example</span></h3></div></div>
<p class="copyright">Copyright 2024 Ada Example</p><div class="legalnotice"><h1>Legal Notice</h1>
<div class="para">This book is licensed under a Creative Commons Attribution-ShareAlike 3.0 Unported License. It is
distributed in the hope that it will be useful, under the GNU General Public License too.</div></div></div>
<div class="para">A hive has boxes.</div></div>"""


def test_a_docbook_title_page_gives_author_and_licence_and_no_text() -> None:
    document = read("hive.html", _DOCBOOK.encode())
    assert blocks(document) == [("heading", "The hive"), ("paragraph", "A hive has boxes.")]
    assert (document.title, document.attribution) == ("The hive", "Ada Example")
    assert document.licence == ("Creative Commons Attribution-ShareAlike 3.0 Unported, GNU General Public License")


def test_sphinx_footnotes_lose_their_label_and_heading() -> None:
    html = """<main><p>Bees sting<a class="footnote-reference" href="#id1">[1]</a>.</p><p class="rubric">Footnotes</p>
    <aside class="footnote brackets"><span class="label"><span class="fn-bracket">[</span>1<span class="fn-bracket">]
    </span></span><p>Drones do not.</p></aside><p class="rubric">Examples</p><p>A bee in a glove.</p></main>"""
    texts = [text for _, text in blocks(read("a.html", html.encode()))]
    assert texts == ["Bees sting.", "Drones do not.", "Examples", "A bee in a glove."]


def test_a_caption_stays_with_its_table_and_each_part_has_the_header() -> None:
    row = "<tr><td>Plant</td><td>It flowers in spring and gives nectar and pollen to bees</td></tr>"
    words = "The bees of this hive fly far and bring nectar home. " * 35
    html = f"""<p>{words}</p><p>Table 1. Plants</p>
    <table><tr><th>Name</th><th>What bees find</th></tr>{row * 60}</table>"""
    passages = split(read("a.html", html.encode()), "a.html")
    assert passages[0].text.endswith("nectar home.")
    assert passages[1].text.startswith("Table 1. Plants\n\n| Name | What bees find |")
    assert len(passages) > 3
    assert all("| Name | What bees find |\n| --- | --- |\n| Plant" in passage.text for passage in passages[1:])


def test_a_note_inside_a_list_item_is_a_note_and_the_list_goes_on_after_it() -> None:
    html = """<ol><li><p>Light the smoker.</p><div class="sidebar"><p class="title">TIP Fuel</p>
    <div class="para">Dry hay burns well.</div></div></li><li>Open the hive.</li></ol>"""
    assert blocks(read("a.html", html.encode())) == [
        ("list", "1. Light the smoker."),
        ("note", "TIP Fuel\nDry hay burns well."),
        ("list", "2. Open the hive."),
    ]
