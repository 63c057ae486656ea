"""Reads EPUB: the pages of its spine, with the headings that only its table of contents knows."""

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.archive import open_archive
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.epub_package import Entry, read_package
from coursewright.documents.read.html import parse_page, walk_page
from coursewright.documents.read.inline import fold
from coursewright.documents.read.languages import primary

_HEADINGS = "h1, h2, h3, h4, h5, h6"
_LONGEST_LABEL = 200


def read_epub(name: str, content: bytes, max_unpacked: int) -> ReadDocument:
    """Read a book; its own table of contents is left out, and cover pages."""
    builder = DocumentBuilder(name)
    with open_archive(name, content, max_unpacked) as archive:
        package = read_package(name, archive, builder.warnings)
        builder.title, builder.attribution, builder.licence = package.title, package.creator, package.rights
        builder.language = primary(package.language)
        for part in package.parts:
            tree = parse_page(decode(name, archive.read(part), builder.warnings, html=True))
            if not _only_links(tree):
                _mark_headings(tree, [entry for entry in package.contents if entry.part == part])
                walk_page(builder, tree)
    return builder.build()


def _only_links(tree: LexborHTMLParser) -> bool:
    """Tell whether a page is a table of contents: many links and hardly a word besides."""
    links = tree.css("a[href]")
    if len(links) < 10 or tree.body is None:
        return False
    linked = sum(len(fold(link.text(deep=True))) for link in links)
    return linked > 0.7 * len(fold(tree.body.text(deep=True)))


def _mark_headings(tree: LexborHTMLParser, entries: Sequence[Entry]) -> None:
    """Make headings of what the table of contents points to, where the page shows them as mere paragraphs."""
    headings = tree.css(_HEADINGS)
    deeper = 0  # by how much the page's own levels lie below the depths of the table of contents
    for entry in entries:
        node = tree.css_first(f'[id="{entry.anchor}"]') if re.fullmatch(r"[\w.:-]+", entry.anchor) else None
        own = _heading_at(node) if node is not None else next(iter(headings), None)
        if own is not None:
            deeper = int((own.tag or "h1")[1]) - entry.depth
            continue
        heading = tree.create_node(f"h{min(max(entry.depth + deeper, 1), 6)}")
        heading.insert_child(entry.label)
        if node is not None and _same(node.text(deep=True), entry.label):
            node.replace_with(heading)
        elif node is None and not entry.anchor and tree.body is not None and tree.body.first_child is not None:
            tree.body.first_child.insert_before(heading)


def _heading_at(node: LexborNode) -> LexborNode | None:
    """Return the heading that an anchor marks: itself, around it, or the first thing in it."""
    around: LexborNode | None = node
    while around is not None and around.tag != "body":
        if around.tag in _HEADINGS.split(", "):
            return around
        around = around.parent
    return node.css_first(_HEADINGS)


def _same(text: str, label: str) -> bool:
    return len(text) <= 2 * _LONGEST_LABEL and "".join(text.split()).lower() == "".join(label.split()).lower()


__all__ = ["read_epub"]
