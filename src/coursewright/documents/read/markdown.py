"""Reads Markdown (CommonMark with tables, footnotes, definition lists, alerts, MkDocs admonitions) by way of HTML."""

import re
import sys
from dataclasses import replace

from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.html_walk import HtmlWalk
from coursewright.documents.read.languages import primary
from coursewright.documents.read.plain import read_plain

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z_-]+):[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_ALERT = re.compile(
    r"<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*\n?(.*?)</blockquote>", re.DOTALL
)
_ADMONITION = re.compile(
    r'^(?:!!!|\?\?\?\+?)[ \t]+(\w+)(?:[ \t]+"([^"\n]*)")?[ \t]*\n((?:(?:[ ]{4}.*|[ \t]*)(?:\n|\Z))+)', re.MULTILINE
)


def read_markdown(name: str, content: bytes) -> ReadDocument:
    """Read a Markdown text; front matter gives title, licence, author and language."""
    from selectolax.lexbor import LexborHTMLParser

    builder = DocumentBuilder(name)
    text = decode(name, content, builder.warnings)
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        fields = {key.lower(): value.strip("\"'") for key, value in _FIELD.findall(front[1])}
        builder.title = fields.get("title", "")
        builder.licence = fields.get("licence") or fields.get("license") or fields.get("rights", "")
        builder.attribution = fields.get("author") or fields.get("authors") or fields.get("attribution", "")
        builder.language = primary(fields.get("language") or fields.get("lang"))
    try:
        html = _html(text)
    except RecursionError:
        plain = read_plain(name, content)
        return replace(
            plain, warnings=(*plain.warnings, "it is nested too deep for Markdown and was read as plain text")
        )
    tree = LexborHTMLParser(html)
    if tree.body is not None:
        HtmlWalk(builder).run(tree.body)
    return builder.build()


def _html(text: str) -> str:
    # Without a limit of the parser's own, which drops what is deeper in silence; Python's raises RecursionError.
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": sys.maxsize}).enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin)
    html: str = parser.render(_ADMONITION.sub(_as_element, text))
    return _ALERT.sub(
        lambda alert: f'<div class="note"><p class="title">{alert[1].title()}</p><p>{alert[2]}</div>', html
    )


def _as_element(found: re.Match[str]) -> str:
    title = found[2] or found[1].title()
    inside = re.sub(r"^ {4}", "", found[3], flags=re.MULTILINE)
    return f'<div class="note">\n<p class="title">{title}</p>\n\n{inside}\n\n</div>\n\n'


__all__ = ["read_markdown"]
