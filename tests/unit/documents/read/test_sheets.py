"""Workbooks and CSV: sheets as headings, tables whole or with their header repeated, no dumps of numbers."""

import io
import zipfile
from datetime import datetime, time
from typing import Any

import pytest
from openpyxl import Workbook

from coursewright.documents.read import read
from coursewright.documents.reading import SourceFile, read_files
from coursewright.documents.split import split
from coursewright.errors import UnreadableDocument
from coursewright.settings import DocumentSettings
from tests.unit.documents.making import blocks, zipped


def _saved(book: Any) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _book(**sheets: list[list[Any]]) -> Any:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def test_a_workbook_keeps_sheets_captions_and_what_people_see_of_values() -> None:
    book = _book(
        Work=[
            ["Work by month"],
            ["Month", "Work", "Share", "Since", "At", "Done"],
            ["May", "Swarm control", 0.125, datetime.fromisoformat("2024-05-01"), time(9, 30), True],
            [None, "Honey", 0.1 + 0.2, datetime.fromisoformat("2024-05-02T14:00"), None, False],
            [],
            ["Feed no bees in summer. They find enough."],
            [],
            ["Term", None, "Meaning"],
            ["Super", None, "The box above the brood nest, for honey."],
        ],
        Hidden=[["A secret", "of the hive"]],
    )
    book["Work"].merge_cells("A3:A4")
    book["Work"]["C3"].number_format = "0.0%"
    book["Hidden"].sheet_state = "hidden"
    book.properties.title = "Bee work"
    document = read("bees.xlsx", _saved(book))
    assert document.title == "Bee work"
    assert blocks(document) == [
        ("heading", "Work"),
        ("heading", "Work by month"),
        (
            "table",
            "| Month | Work | Share | Since | At | Done |\n| --- | --- | --- | --- | --- | --- |\n"
            "| May | Swarm control | 12.5 % | 2024-05-01 | 09:30 | yes |\n"
            "| May | Honey | 0.3 | 2024-05-02 14:00 |  | no |",
        ),
        ("paragraph", "Feed no bees in summer. They find enough."),
        ("table", "| Term | Meaning |\n| --- | --- |\n| Super | The box above the brood nest, for honey. |"),
    ]
    assert [term.text for term in document.terms] == ["Super"]
    assert document.warnings == ("the sheet “Hidden” is hidden and was left out",)


def test_formulas_give_their_stored_value_or_a_warning() -> None:
    sheet = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
    <row r="1"><c r="A1" t="inlineStr"><is><t>Hives</t></is></c><c r="B1" t="inlineStr"><is><t>Frames</t></is></c></row>
    <row r="2"><c r="A2"><v>2</v></c><c r="B2"><f>A2*10</f><v>20</v></c></row>
    <row r="3"><c r="A3"><v>3</v></c><c r="B3"><f>A3*10</f><v></v></c></row>
    <row r="4"><c r="A4"><v>4</v></c><c r="B4" t="e"><f>A4/0</f><v>#DIV/0!</v></c></row></sheetData></worksheet>"""
    whole = _saved(_book(Sheet1=[["Hives"]]))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    document = read("bees.xlsx", zipped(parts | {"xl/worksheets/sheet1.xml": sheet}))
    assert blocks(document) == [("table", "| Hives | Frames |\n| --- | --- |\n| 2 | 20 |\n| 3 |  |\n| 4 |  |")]
    assert document.warnings[0].startswith("1 formulas of the sheet “Sheet1” have no stored value")


def test_a_long_table_repeats_its_header_in_every_passage() -> None:
    rows = [[f"Plant {n}", f"Plant {n} flowers in month {n % 12 + 1} and gives nectar", n] for n in range(2000)]
    document = read("plants.xlsx", _saved(_book(Plants=[["Plant", "What bees find", "No"], *rows])))
    passages = split(document, "plants.xlsx")
    assert len(passages) > 50
    for passage in passages:
        first = passage.spans[1 if passage.spans[0].kind == "heading" else 0]
        assert passage.text[first.start : first.end].startswith("| Plant | What bees find | No |\n| --- |")
    assert sum(passage.text.count("gives nectar") for passage in passages) == 2000


def test_rows_beyond_the_limit_are_left_out_and_counted() -> None:
    rows = "".join(f"Plant {n},A flower for bees {n}\n" for n in range(6000))
    document = read("plants.csv", f"Plant,Note\n{rows}".encode())
    assert "A flower for bees 4998 " in document.text
    assert "A flower for bees 4999 " not in document.text
    assert document.warnings == ("only its first 5,000 rows were read",)


async def test_a_stray_cell_in_the_last_row_costs_no_time() -> None:
    book = _book(Plants=[["Plant", "What bees find"], ["Lime", "Nectar in June, and shade in July."]])
    book["Plants"]["XFD1048576"] = "Here ends the sheet."
    file = SourceFile("plants.xlsx", _saved(book))
    (outcome,) = [read async for read in read_files([file], DocumentSettings(seconds=60))]
    assert outcome.error is None
    assert [passage.text.count("Nectar in June") for passage in outcome.passages] == [1]


def test_a_dump_of_numbers_is_no_course_text() -> None:
    numbers: list[list[Any]] = [
        [datetime.fromisoformat(f"2024-01-01T{n % 24:02d}:00"), f"sensor {n % 3}", n * 1.5] for n in range(300)
    ]
    table: list[list[Any]] = [["Time", "Sensor", "Weight"], *numbers]
    with pytest.raises(UnreadableDocument, match="no text to teach from: the sheet “Weights”: 301 rows") as caught:
        read("weights.xlsx", _saved(_book(Weights=table)))
    assert "explains the figures" in caught.value.hint
    document = read("weights.xlsx", _saved(_book(Weights=table, Notes=[["A hive that loses weight is hungry."]])))
    assert document.text == "Weights\n\nNotes\n\nA hive that loses weight is hungry."
    with pytest.raises(UnreadableDocument, match="not text to teach from"):
        read("weights.csv", "\n".join(f"{n};{n * n}" for n in range(100)).encode())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_its_delimiter(delimiter: str) -> None:
    rows = [["Month", "Work"], ["May", f'"Split, feed{delimiter} ""calm""\nand wait"'], ["June", "Honey"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    document = read("work.csv", text.encode("utf-16"))
    quoted = f'Split, feed{delimiter} "calm" and wait'.replace("|", "\\|").replace("\t", "")
    assert blocks(document) == [("table", f"| Month | Work |\n| --- | --- |\n| May | {quoted} |\n| June | Honey |")]


def test_damaged_tables_are_refused() -> None:
    with pytest.raises(UnreadableDocument, match="damaged"):
        read("a.xlsx", zipped({"xl/workbook.xml": "<x/>"}))
    with pytest.raises(UnreadableDocument, match="no table of values"):
        read("a.csv", b'a,b\n"' + b"x" * 200_000)
