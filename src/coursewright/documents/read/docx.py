"""Reads DOCX: mammoth turns it into plain HTML, the HTML walk does the rest."""

import io
import zipfile

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.archive import open_archive
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.languages import primary
from coursewright.documents.read.properties import DECORATIVE, core_properties
from coursewright.errors import UnreadableDocument

_DRAWN = (
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart",
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds",
)
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Caption'] => p.title:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Preformatted Text'] => pre:separator('\\n')
r[style-name='Code'] => code
r[style-name='Source Text'] => code
r[style-name='HTML Code'] => code
r[style-name='Verbatim Char'] => code
"""


def read_docx(name: str, content: bytes, max_unpacked: int) -> ReadDocument:
    """Read a Word document; images keep their alternative text only."""
    import mammoth
    from selectolax.lexbor import LexborHTMLParser

    with open_archive(name, content, max_unpacked) as archive:
        if not any(part.startswith("word/document") for part in archive.namelist()):
            raise UnreadableDocument(
                name,
                "it has no document part, so it is no Word document",
                hint="Open it in a word processor and save it again.",
            )
        known = core_properties(archive)
        unseen = _beside_pictures(archive)
    builder = DocumentBuilder(name)
    builder.title, builder.attribution, builder.licence = known.title, known.creator, known.rights
    builder.language = primary(known.language)
    try:
        result = mammoth.convert_to_html(
            io.BytesIO(content), style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {"src": ""})
        )
    except UnreadableDocument:
        raise
    except Exception as error:  # mammoth lets whatever its parsers raise through
        raise UnreadableDocument(
            name, f"the Word document is damaged ({error})", hint="Open it in a word processor and save it again."
        ) from error
    from coursewright.documents.read.html_walk import HtmlWalk

    tree = LexborHTMLParser(result.value)
    if tree.body is not None:
        HtmlWalk(builder).run(tree.body)
    builder.pictures = max(builder.pictures + unseen, 0)
    return builder.build()


def _beside_pictures(archive: zipfile.ZipFile) -> int:
    """Count the charts and diagrams, which the conversion passes over, less the pictures marked as decorative."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(archive.read("word/document.xml"))
    except (KeyError, ParseError, DefusedXmlException):
        return 0  # whoever reads the text says what is wrong
    drawn = sum(1 for name in _DRAWN for _ in root.iter(name))
    return drawn - sum(1 for mark in root.iter(DECORATIVE) if mark.get("val") in ("1", "true"))


__all__ = ["read_docx"]
