"""Build the DOCX and the PDF of the example handbook from `examples/sources/*.md`.

The results are committed: nobody needs this script to use the examples. The same sources and library versions give the
same bytes, so a rebuild shows up as a change only when there is one.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import docx
from docx.document import Document
from docx.text.paragraph import Paragraph as WordParagraph
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import ListFlowable, ListItem, Paragraph, Preformatted, SimpleDocTemplate, Spacer, Table

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "examples" / "sources"
TARGET = ROOT / "examples" / "knowledge-base"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # a document's date would make every build differ


@dataclass(frozen=True)
class Run:
    text: str
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True)
class Part:
    """One block: `kind` is heading, paragraph, item, table or code; `rows` holds its runs, a cell each."""

    kind: str
    rows: list[list[list[Run]]]
    level: int = 0


@dataclass(frozen=True)
class Source:
    meta: dict[str, str]
    parts: list[Part]


def read_source(path: Path) -> Source:
    """Split off the front matter and flatten the Markdown into parts."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    meta = dict(line.split(": ", 1) for line in front.strip().splitlines())
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    return Source(meta, list(_parts(tokens)))


def _parts(tokens: list[Token]) -> Iterator[Part]:
    rows: list[list[list[Run]]] = []
    kind, level = "paragraph", 0
    for token in tokens:
        match token.type:
            case "heading_open":
                kind, level = "heading", int(token.tag[1])
            case "list_item_open":
                kind = "item"
            case "table_open":
                kind, rows = "table", []
            case "tr_open":
                rows.append([])
            case "inline" if kind == "table":
                rows[-1].append(_runs(token))
            case "inline":
                yield Part(kind, [[_runs(token)]], level)
            case "table_close":
                yield Part("table", rows)
                kind = "paragraph"
            case "heading_close" | "list_item_close":
                kind = "paragraph"
            case "fence":
                yield Part("code", [[[Run(token.content.rstrip())]]])


def _runs(inline: Token) -> list[Run]:
    runs: list[Run] = []
    bold = italic = False
    for token in inline.children or []:
        if token.type.startswith("strong_"):
            bold = token.type == "strong_open"
        elif token.type.startswith("em_"):
            italic = token.type == "em_open"
        elif token.type == "softbreak":
            runs.append(Run(" "))
        elif token.content:
            runs.append(Run(token.content, bold, italic))
    return runs


def build_docx(source: Source) -> bytes:
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author = source.meta["title"], source.meta["author"]
    rights = properties._element.makeelement("{http://purl.org/dc/elements/1.1/}rights")
    properties._element.append(rights)
    rights.text = source.meta["licence"]
    properties.language = source.meta["language"]
    properties.created = properties.modified = LONG_AGO
    numbering, kinds = 0, ["", *(part.kind for part in source.parts)]
    for part, previous in zip(source.parts, kinds, strict=False):
        if part.kind == "table":
            table = document.add_table(rows=len(part.rows), cols=len(part.rows[0]), style="Table Grid")
            for row, cells in zip(table.rows, part.rows, strict=True):
                for cell, runs in zip(row.cells, cells, strict=True):
                    _write_runs(cell.paragraphs[0], runs)
            continue
        style = {"heading": f"Heading {part.level}", "item": "List Number"}.get(part.kind, "Normal")
        paragraph = document.add_paragraph(style=style)
        _write_runs(paragraph, part.rows[0][0])
        if part.kind == "item":
            numbering = numbering if previous == "item" else _start_list(document)
            _number(paragraph, numbering)
    buffer = io.BytesIO()
    document.save(buffer)
    return _without_times(buffer.getvalue())


def _start_list(document: Document) -> int:
    """Return the id of a new list that counts from 1; a style alone would count on from the list before."""
    numbering = document.part.numbering_part.numbering_definitions._numbering
    style = document.styles["List Number"].element.pPr.numPr.numId.val
    num = numbering.add_num(numbering.num_having_numId(style).abstractNumId.val)
    num.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(num.numId)


def _number(paragraph: WordParagraph, numbering: int) -> None:
    properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_ilvl().val = 0
    properties.get_or_add_numId().val = numbering


def _write_runs(paragraph: WordParagraph, runs: list[Run]) -> None:
    for run in runs:
        written = paragraph.add_run(run.text)
        written.bold, written.italic = run.bold or None, run.italic or None


def _without_times(archive: bytes) -> bytes:
    """Rewrite a ZIP archive with one fixed date for all its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, LONG_AGO.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return buffer.getvalue()


class _Heading(Paragraph):  # type: ignore[misc]  # reportlab is untyped
    """A heading that enters itself into the outline of the PDF."""

    def __init__(self, runs: list[Run], level: int) -> None:
        super().__init__(_marked_up(runs), getSampleStyleSheet()[f"Heading{level}"])
        self.title, self.outline_level = "".join(run.text for run in runs), level - 1

    def draw(self) -> None:
        key = re.sub(r"\W+", "-", self.title)
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(self.title, key, self.outline_level)
        super().draw()


def build_pdf(source: Source) -> bytes:
    styles = getSampleStyleSheet()
    story: list[object] = []
    items: list[ListItem] = []
    for part in source.parts:
        if part.kind != "item" and items:
            story += [ListFlowable(items, bulletType="1", leftIndent=18), Spacer(1, 8)]
            items = []
        match part.kind:
            case "heading":
                story.append(_Heading(part.rows[0][0], part.level))
            case "item":
                items.append(ListItem(Paragraph(_marked_up(part.rows[0][0]), styles["BodyText"])))
            case "table":
                story += [_pdf_table(part), Spacer(1, 8)]
            case "code":
                story.append(Preformatted(part.rows[0][0][0].text, styles["Code"]))
            case _:
                story.append(Paragraph(_marked_up(part.rows[0][0]), styles["BodyText"]))
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer,
        pagesize=A4,
        title=source.meta["title"],
        author=source.meta["author"],
        subject=f"licence: {source.meta['licence']}",
        lang=source.meta["language"],
        invariant=1,
    ).build(story, onFirstPage=_page_number, onLaterPages=_page_number)
    return buffer.getvalue()


def _pdf_table(part: Part) -> Table:
    style = getSampleStyleSheet()["BodyText"]
    cells = [[Paragraph(_marked_up(runs), style) for runs in row] for row in part.rows]
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke)]
    return Table(cells, repeatRows=1, style=grid)


def _marked_up(runs: list[Run]) -> str:
    text = ""
    for run in runs:
        piece = escape(run.text)
        piece = f"<i>{piece}</i>" if run.italic else piece
        text += f"<b>{piece}</b>" if run.bold else piece
    return text


def _page_number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 9)
    canvas.drawCentredString(A4[0] / 2, 1.3 * cm, str(document.page))


BUILT: dict[str, Callable[[Source], bytes]] = {"07-health.docx": build_docx, "09-honey-and-wax.pdf": build_pdf}


def main() -> None:
    for name, build in BUILT.items():
        content = build(read_source(SOURCES / f"{Path(name).stem}.md"))
        (TARGET / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
