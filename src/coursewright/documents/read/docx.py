"""Reads DOCX: mammoth turns it into plain HTML, the HTML walk does the rest."""

import io

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.archive import open_archive
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.languages import primary
from coursewright.documents.read.properties import core_properties
from coursewright.errors import UnreadableDocument

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
    return builder.build()


__all__ = ["read_docx"]
