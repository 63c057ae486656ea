"""Title, author, rights and language from the property part that all Office files share (ECMA-376, part 2)."""

import zipfile
from dataclasses import dataclass

DECORATIVE = "{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative"  # val="1" on a picture
_DC = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True, slots=True)
class CoreProperties:
    title: str = ""
    creator: str = ""
    rights: str = ""
    language: str = ""


def core_properties(archive: zipfile.ZipFile) -> CoreProperties:
    """Return what the file says about itself; nothing when it does not say or cannot be parsed."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(archive.read("docProps/core.xml"))
    except (KeyError, ParseError):
        return CoreProperties()
    values = {name: (root.findtext(_DC + name) or "").strip() for name in ("title", "creator", "rights", "language")}
    if values["creator"] in ("python-docx", "openpyxl", "PptxGenJS"):  # names of programs, not of people
        values["creator"] = ""
    if values["title"].lower() in ("powerpoint presentation", "presentation", "untitled", "word document"):
        values["title"] = ""
    return CoreProperties(**values)


__all__ = ["DECORATIVE", "CoreProperties", "core_properties"]
