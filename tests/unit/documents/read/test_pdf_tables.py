"""Tables of PDF: with borders and without, over pages, and what only looks like one."""

import io

from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from coursewright.documents.read import read
from tests.unit.documents.making import blocks
from tests.unit.documents.read.test_pdf import _Pages

_STYLE = getSampleStyleSheet()["BodyText"]
_GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey)]


def _built(*story: object) -> bytes:
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, invariant=1).build(list(story))
    return buffer.getvalue()


def _cells(rows: list[list[str]]) -> list[list[Paragraph]]:
    return [[Paragraph(text, _STYLE) for text in row] for row in rows]


def test_a_table_with_borders_keeps_its_cells_though_their_text_wraps() -> None:
    long = "A queen lays up to two thousand eggs a day in May, which the workers feed with royal jelly and bee bread."
    rows = [["<b>Caste</b>", "<b>Task</b>", "<b>Days</b>"], ["Queen", long, "16"], ["Worker", "Nurses", "21"]]
    content = _built(
        Paragraph("Three castes live in a hive.", _STYLE),
        Table(_cells(rows), style=_GRID, colWidths=[80, 160, 60]),
        Paragraph("Drones are the fourth sort of bee, some say.", _STYLE),
    )
    assert blocks(read("bees.pdf", content)) == [
        ("paragraph", "Three castes live in a hive."),
        ("table", f"| Caste | Task | Days |\n| --- | --- | --- |\n| Queen | {long} | 16 |\n| Worker | Nurses | 21 |"),
        ("paragraph", "Drones are the fourth sort of bee, some say."),
    ]


def test_a_table_goes_on_over_pages_and_its_header_is_said_once() -> None:
    rows = [["Plant", "Flowers in"], *([f"Plant {n}", f"month {n}"] for n in range(1, 100))]
    content = _built(Table(_cells(rows), style=_GRID, repeatRows=1, colWidths=[120, 120]))
    document = read("plants.pdf", content)
    assert (document.pages or 0) >= 3
    tables = [text for kind, text in blocks(document) if kind == "table"]
    assert {text.splitlines()[0] for text in tables} == {"| Plant | Flowers in |"}
    lines = [line for text in tables for line in text.splitlines()[2:]]
    assert lines == [f"| Plant {n} | month {n} |" for n in range(1, 100)]
    assert all(kind == "table" for kind, _ in blocks(document))


def test_a_cell_over_several_columns_or_rows_is_the_first_of_them() -> None:
    rows = [["Season", "Work in the apiary", ""], ["Spring", "inspect", "feed"], ["", "unite", "move"]]
    style = [*_GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 1), (0, 2))]
    content = _built(Spacer(1, 20), Table(rows, style=style, colWidths=[80, 70, 70]))
    assert blocks(read("seasons.pdf", content)) == [
        (
            "table",
            "|  |  |  |\n| --- | --- | --- |\n| Season | Work in the apiary |  |\n"
            "| Spring | inspect | feed |\n|  | unite | move |",
        )
    ]


def test_columns_without_borders_are_a_table() -> None:
    pages = _Pages()
    pages.line(80, "Each kind of honey has a colour and a taste of its own, as the list below shows in short.")
    for number, row in enumerate([("*Honey", "*Colour", "*Taste"), ("Acacia", "clear", "mild"),
                                  ("Heather", "reddish", "strong"), ("Rape", "white", "sweet")]):  # fmt: skip
        for left, text in zip((72, 200, 300), row, strict=True):
            pages.line(110 + 14 * number, text, left=left)
    pages.line(190, "Honey of one kind costs more, since the bees have to be brought to the plant in time.")
    assert [found for found in blocks(read("honey.pdf", pages.saved())) if found[0] != "paragraph"] == [
        (
            "table",
            "| Honey | Colour | Taste |\n| --- | --- | --- |\n| Acacia | clear | mild |\n"
            "| Heather | reddish | strong |\n| Rape | white | sweet |",
        )
    ]


def test_the_rest_of_a_cell_without_borders_stays_with_it() -> None:
    pages = _Pages()
    for top, left, text in [
        (100, 72, "smoker"), (100, 200, "calms the bees with cool"), (112, 200, "smoke of wood"),
        (128, 72, "hive tool"), (128, 200, "loosens the frames"), (144, 72, "veil"), (144, 200, "guards the face"),
    ]:  # fmt: skip
        pages.line(top, text, left=left)
    assert blocks(read("tools.pdf", pages.saved())) == [
        (
            "table",
            "|  |  |\n| --- | --- |\n| smoker | calms the bees with cool smoke of wood |\n"
            "| hive tool | loosens the frames |\n| veil | guards the face |",
        )
    ]


def test_text_in_two_columns_lists_formulas_and_contents_are_no_tables() -> None:
    pages = _Pages()
    for number in range(8):
        pages.line(80 + 12 * number, "The worker bees of a hive collect nectar and", left=60)
        pages.line(80 + 12 * number, "carry pollen home on their hind legs every", left=320)
    pages.end_page()
    for number in range(6):
        pages.line(80 + 14 * number, "•", left=72)
        pages.line(80 + 14 * number, f"item {number} of the list", left=100)
        pages.line(300 + 20 * number, f"a = b + {number}", left=150)
        pages.line(300 + 20 * number, f"({number + 1})", left=400)
        pages.line(500 + 14 * number, f"Chapter of {'abcdef'[number] * 4}", left=72)
        pages.line(500 + 14 * number, str(3 + 4 * number), left=400)
    assert "table" not in {kind for kind, _ in blocks(read("columns.pdf", pages.saved()))}


def test_a_frame_round_text_is_no_table_and_its_text_stays() -> None:
    pages = _Pages()
    pages.canvas.rect(60, 700, 300, 100)
    pages.line(80, "A frame round a warning has no columns at all.", left=72)
    pages.line(120, "It is text like any other, and stays so.", left=72)
    assert [kind for kind, _ in blocks(read("frame.pdf", pages.saved()))] == ["paragraph", "paragraph"]
