"""What each format keeps: headings, lists, tables, code, notes, terms, and what is known about the document."""

import io
from pathlib import Path

from coursewright.documents.discover import discover
from coursewright.documents.read import read
from tests.unit.documents.making import blocks

_MARKDOWN = """---
title: The hive
licence: CC-BY-4.0
author: Ada Example
---
# The hive

A **brood box** is where `queen` and workers live.

1. Open the roof.
2. Lift a frame.

| Term | Meaning |
|---|---|
| Nectar | The sweet liquid that bees collect from flowers. |

> [!NOTE]
> Wear gloves.

```
open(hive)
```
"""


def test_markdown() -> None:
    document = read("hive.md", _MARKDOWN.encode())
    assert (document.title, document.licence, document.attribution) == ("The hive", "CC-BY-4.0", "Ada Example")
    found = blocks(document)
    assert [kind for kind, _ in found] == ["heading", "paragraph", "list", "table", "note", "code"]
    assert found[1][1] == "A brood box is where `queen` and workers live."
    assert found[2][1] == "1. Open the roof.\n2. Lift a frame."
    assert found[4][1] == "Note\nWear gloves."
    assert found[5][1] == "open(hive)"
    terms = {term.text: term for term in document.terms}
    assert terms["brood box"].kind == "strong"
    definition = terms["Nectar"].definition
    assert definition is not None
    assert document.text[slice(*definition)] == "The sweet liquid that bees collect from flowers."


def test_html() -> None:
    html = """<html lang="en"><head><title>Bees — Site</title><meta name="license" content="MIT"></head><body>
    <nav>Home</nav><h1>Bees</h1><div class="para">Bees <dfn>forage</dfn> by day.</div>
    <dl><dt>Drone</dt><dd>A male bee.</dd></dl>
    <table><tr><th>Month</th><th>Work</th></tr><tr><td>May</td><td>Swarm control</td></tr></table>
    <figure><img alt="wax cells" src="x"><figcaption>A frame of honey</figcaption></figure><footer>Imprint</footer>"""
    document = read("bees.html", html.encode())
    assert (document.title, document.licence) == ("Bees", "MIT")
    assert blocks(document) == [
        ("heading", "Bees"),
        ("paragraph", "Bees forage by day."),
        ("list", "- Drone: A male bee."),
        ("table", "| Month | Work |\n| --- | --- |\n| May | Swarm control |"),
        ("figure", "A frame of honey (wax cells)"),
    ]
    assert [(term.text, term.kind) for term in document.terms] == [("forage", "dfn"), ("Drone", "dt")]
    drone = document.terms[1].definition
    assert drone is not None
    assert document.text[slice(*drone)] == "A male bee."


def test_docx() -> None:
    from docx import Document

    word = Document()
    word.core_properties.title = "Word hive"
    word.add_heading("The hive", 1)
    word.add_paragraph("A hive has boxes.")
    word.add_paragraph("Open it.", style="List Number")
    table = word.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "A", "B"
    buffer = io.BytesIO()
    word.save(buffer)
    document = read("hive.docx", buffer.getvalue())
    assert document.title == "Word hive"
    assert [kind for kind, _ in blocks(document)] == ["heading", "paragraph", "list", "table"]


def test_pdf() -> None:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, Preformatted, SimpleDocTemplate

    styles = getSampleStyleSheet()
    buffer = io.BytesIO()
    story = []
    for chapter in ("Hives", "Honey"):
        story += [
            Paragraph(chapter, styles["Heading1"]),
            Paragraph("The bees of this hive fly far and bring nectar home to the comb. " * 6, styles["Normal"]),
            Preformatted("open(hive)\n    lift(frame)", styles["Code"]),
            PageBreak(),
        ]
    SimpleDocTemplate(buffer, title="Bee PDF").build(story)
    document = read("bees.pdf", buffer.getvalue())
    assert (document.title, document.pages) == ("Bee PDF", 2)
    found = blocks(document)
    assert [kind for kind, _ in found] == ["heading", "paragraph", "code"] * 2
    assert found[1][1].count("The bees of this hive fly far and bring nectar home to the comb.") == 6
    assert found[2][1] == "open(hive)\n    lift(frame)"
    assert [span.page for span in document.spans] == [1, 1, 1, 2, 2, 2]


def test_plain_text() -> None:
    text = "The hive\n========\n\nA hive\nhas boxes.\n\n- one\n- two\n"
    assert blocks(read("hive.txt", text.encode())) == [
        ("heading", "The hive"),
        ("paragraph", "A hive has boxes."),
        ("list", "- one\n- two"),
    ]


def test_pdf_with_an_outline_that_names_what_no_page_shows() -> None:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.bookmarkPage("top")
    canvas.bookmarkPage("here")
    canvas.addOutlineEntry("Hidden chapter", "top", 0)
    canvas.addOutlineEntry("Hives", "here", 1)
    canvas.drawString(72, 700, "Hives")
    canvas.drawString(72, 660, "A hive has two boxes and a roof.")
    canvas.save()
    assert blocks(read("outline.pdf", buffer.getvalue())) == [
        ("heading", "Hidden chapter"),
        ("heading", "Hives"),
        ("paragraph", "A hive has two boxes and a roof."),
    ]


def test_every_example_document_states_its_licence() -> None:
    folder = Path(__file__).parents[3] / "examples" / "knowledge-base"
    found, skipped = discover([folder], 1 << 24)
    assert not skipped
    assert {each.name: read(each.name, each.path.read_bytes()).licence for each in found} == {
        each.name: "CC BY 4.0" for each in found
    }
