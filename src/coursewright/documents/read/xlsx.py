"""Reads XLSX: each visible sheet is a heading with its tables; of formulas the values that were stored last count."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.archive import open_archive
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.languages import primary
from coursewright.documents.read.properties import core_properties
from coursewright.documents.read.sheet import MOST_ROWS, add_rows
from coursewright.errors import UnreadableDocument

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]+)(\d+):([A-Z]+)(\d+)\"")
_NOT_COMPUTED = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\s[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_DEFAULT_NAME = re.compile(
    r"^(?:sheet|tabelle|feuille?|feuil|hoja|foglio|planilha|blad|лист|シート|工作表)\s*\d+$", re.I
)
_MOST_COLUMNS = 200

_Merged = dict[tuple[int, int], tuple[int, int]]  # cell: the cell whose value it shows, (row, column) from 1


def read_xlsx(name: str, content: bytes, max_unpacked: int) -> ReadDocument:
    """Read a workbook; hidden sheets are left out, merged cells repeat their value downwards."""
    import openpyxl

    builder = DocumentBuilder(name)
    with open_archive(name, content, max_unpacked) as archive:
        known = core_properties(archive)
        builder.title, builder.attribution, builder.licence = known.title, known.creator, known.rights
        builder.language = primary(known.language)
        builder.pictures = sum(name.startswith(("xl/media/", "xl/charts/chart")) for name in archive.namelist())
        try:
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            left_out = list(_add_sheets(builder, book.worksheets, archive))
        except Exception as error:  # openpyxl lets whatever its parsers raise through
            raise UnreadableDocument(
                name, f"the workbook is damaged ({error})", hint="Open it in its own program and save it again."
            ) from error
    if left_out and not builder.has_text:
        raise UnreadableDocument(
            name,
            f"it holds no text to teach from: {'; '.join(left_out)}",
            hint="Leave it out, or give a document that explains the figures.",
        )
    builder.warnings += left_out
    return builder.build()


def _add_sheets(builder: DocumentBuilder, sheets: list[Any], archive: zipfile.ZipFile) -> Iterator[str]:
    """Add the sheets; yield what was left out."""
    for sheet in sheets:
        if sheet.sheet_state != "visible":
            yield f"the sheet “{sheet.title}” is hidden and was left out"
            continue
        source = archive.read(sheet._worksheet_path)
        if missing := len(_NOT_COMPUTED.findall(source)):
            yield (
                f"{missing} formulas of the sheet “{sheet.title}” have no stored value; "
                "open it in a spreadsheet program and save it"
            )
        merged = _merged(source)
        del source
        if len(sheets) > 1 or not _DEFAULT_NAME.match(sheet.title):
            builder.heading(sheet.title, 2)
        if said := add_rows(builder, _rows(sheet, merged)):
            yield f"the sheet “{sheet.title}”: {said}"


def _merged(source: bytes) -> _Merged:
    """Return the merged cells that take their value from above: a value is not repeated along its row."""
    from openpyxl.utils import column_index_from_string

    cells: _Merged = {}
    for found in _MERGED.finditer(source):
        left, top, bottom = column_index_from_string(found[1].decode()), int(found[2]), int(found[4])
        for row in range(top + 1, min(bottom, top + MOST_ROWS) + 1):
            cells[row, left] = (top, left)
    return cells


def _rows(sheet: Any, merged: _Merged) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # programs write wrong ones
    origins = set(merged.values())
    values: dict[tuple[int, int], str] = {}
    last_merged = max((row for row, _ in merged), default=0)
    before: object = None
    for number, row in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS), 1):
        if row is before and number > last_merged:  # openpyxl fills a gap with one and the same row, a million times
            yield []
            continue
        before = row
        texts = [_text(cell) for cell in row]
        for column in range(1, len(texts) + 1):
            if (number, column) in origins:
                values[number, column] = texts[column - 1]
            elif (origin := merged.get((number, column))) and not texts[column - 1]:
                texts[column - 1] = values.get(origin, "")
        yield texts


def _text(cell: Any) -> str:
    """Return a value as people write it: dates by ISO 8601, percentages, no noise of binary fractions."""
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dt.datetime():
            return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.strftime("%H:%M" if not value.second else "%H:%M:%S")
        case int() | float():
            percent = "%" in (cell.number_format or "")
            shown = 100 * value if percent else value
            text = str(int(shown)) if abs(shown) < 1e15 and shown == int(shown) else f"{shown:.10g}"
            return text + " %" * percent
        case str() if cell.data_type == "e":  # such as #DIV/0!
            return ""
    return str(value)


__all__ = ["read_xlsx"]
