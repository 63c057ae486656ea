"""Reads HTML and XHTML."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.html_walk import HtmlWalk
from coursewright.documents.read.inline import fold
from coursewright.documents.read.languages import primary
from coursewright.documents.read.licences import licence_in

_LICENCES = ("license", "licence", "dc.rights", "dcterms.rights", "dcterms.license", "rights", "copyright")
_AUTHORS = ("author", "dc.creator", "dcterms.creator")
_IMPRINT = (
    ".legalnotice, .authorgroup, .author, .corpauthor, .copyright, .edition, .pubdate, .revhistory, .producttitle"
)
_SITE = re.compile(r"\s+[|·—–]\s+[^|·—–]+$")  # "Page — Site"
_SELF_CLOSED = re.compile(r"<(a|div|span|p|script|title|i|b|em|strong)(\s[^<>]*)?/>")


def read_html(name: str, content: bytes) -> ReadDocument:
    """Read a page: its main part when it marks one, without navigation and other furniture."""
    builder = DocumentBuilder(name)
    walk_page(builder, parse_page(decode(name, content, builder.warnings, html=True)))
    return builder.build()


def parse_page(html: str) -> LexborHTMLParser:
    """Return the tree of a page of HTML or XHTML."""
    if "<?xml" in html[:200] or "xhtml" in html[:500]:
        html = _SELF_CLOSED.sub(r"<\1\2></\1>", html)  # XML closes elements that HTML would leave open
    return LexborHTMLParser(html)


def walk_page(builder: DocumentBuilder, tree: LexborHTMLParser) -> None:
    """Add the blocks of a page, and what its head says about it where nothing is known yet."""
    root = tree.root
    if root is None:
        return
    metadata: dict[str, str] = {}
    for node in tree.css("meta[name], meta[property]"):
        key = (node.attributes.get("name") or node.attributes.get("property") or "").lower()
        metadata.setdefault(key, node.attributes.get("content") or "")
    builder.licence = builder.licence or next((metadata[key] for key in _LICENCES if metadata.get(key)), "")
    if not builder.licence and (link := tree.css_first("link[rel~=license], a[rel~=license]")) is not None:
        builder.licence = fold(link.text(deep=True)) or link.attributes.get("href") or ""
    builder.attribution = builder.attribution or next((metadata[key] for key in _AUTHORS if metadata.get(key)), "")
    own = root.attributes.get("lang") or root.attributes.get("xml:lang") or metadata.get("language")
    builder.language = builder.language or primary(own)
    builder.title = builder.title or _title(tree)
    _read_title_pages(builder, tree)
    _take_footnote_marks_away(tree)
    HtmlWalk(builder).run(_main(tree) or tree.body or root)


def _read_title_pages(builder: DocumentBuilder, tree: LexborHTMLParser) -> None:
    """Take authors and licence from the title pages of DocBook, and then away from the text."""
    for page in tree.css(".titlepage"):
        names = (fold(name.text(deep=True)) for name in page.css("h3.author, h3.corpauthor, .editor h4"))
        builder.attribution = builder.attribution or ", ".join(dict.fromkeys(filter(None, names)))
        for part in page.css(_IMPRINT):
            builder.licence = builder.licence or licence_in(part.text(deep=True))
        for part in page.css(_IMPRINT):
            part.decompose()


def _take_footnote_marks_away(tree: LexborHTMLParser) -> None:
    for label in tree.css(".footnote > span.label, dl.footnote > dt.label"):
        label.decompose()
    for heading in tree.css("p.rubric"):  # Sphinx puts one above footnotes
        after = heading.next
        while after is not None and after.is_text_node:
            after = after.next
        if after is not None and "footnote" in (after.attributes.get("class") or ""):
            heading.decompose()


def _title(tree: LexborHTMLParser) -> str:
    headings = tree.css("h1")
    if len(headings) == 1:
        for anchor in headings[0].css(".headerlink"):
            anchor.decompose()
        if text := fold(headings[0].text(deep=True)):
            return text
    node = tree.css_first("head title")
    return _SITE.sub("", fold(node.text(deep=True))) if node is not None else ""


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the one element that holds the text, if the page has exactly one and it holds most of it."""
    body = tree.body
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1 and body is not None:
            inside, whole = len(found[0].text(deep=True)), len(body.text(deep=True))
            if 2 * inside > whole:
                return found[0]
    return None


__all__ = ["parse_page", "read_html", "walk_page"]
