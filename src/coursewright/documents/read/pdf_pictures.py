"""The pictures on a page of a PDF: they have no alternative text that could be trusted, only captions."""

import ctypes
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SMALLEST = 0.02  # of the page; what is smaller is a sign or an ornament
_LARGEST = 0.85  # of the page; what is larger lies behind the text: a scan under its letters, a background
_OFTEN = 3  # pages that show a picture in the same place: a logo
_DRAWING = 20  # paths; fewer are lines and boxes of the layout

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a page shows beside its text: where its pictures lie (points), and whether there is anything to see."""

    pictures: tuple[Box, ...] = ()
    anything: bool = False


def drawn_on(page: Any, raw: Any) -> Drawn:
    """Look at the objects of a page."""
    width, height = page.get_size()
    edges = [ctypes.c_float() for _ in range(4)]
    found: list[Box] = []
    images = paths = 0
    for index in range(raw.FPDFPage_CountObjects(page)):
        item = raw.FPDFPage_GetObject(page, index)
        kind = raw.FPDFPageObj_GetType(item)
        paths += kind == raw.FPDF_PAGEOBJ_PATH
        if kind == raw.FPDF_PAGEOBJ_IMAGE or (kind == raw.FPDF_PAGEOBJ_FORM and _holds_image(item, raw)):
            images += 1
            if raw.FPDFPageObj_GetBounds(item, *edges):
                left, bottom, right, top = (edge.value for edge in edges)
                if _SMALLEST <= (right - left) * (top - bottom) / (width * height) <= _LARGEST:
                    found.append((round(left), round(bottom), round(right), round(top)))
    return Drawn(tuple(found), bool(images) or paths >= _DRAWING)


def without_words(pages: Sequence[Drawn], captions: Mapping[int, int]) -> int:
    """Count the pictures beyond the captions of their pages (by number, from 1); logos do not count."""
    places = Counter(box for page in pages for box in set(page.pictures))
    return sum(
        max(0, sum(places[box] < _OFTEN for box in page.pictures) - captions.get(number, 0))
        for number, page in enumerate(pages, 1)
    )


def _holds_image(form: Any, raw: Any) -> bool:
    items = (raw.FPDFFormObj_GetObject(form, index) for index in range(raw.FPDFFormObj_CountObjects(form)))
    return any(raw.FPDFPageObj_GetType(item) == raw.FPDF_PAGEOBJ_IMAGE for item in items)


__all__ = ["Drawn", "drawn_on", "without_words"]
