"""What HTML elements mean for a reader: which are prose, which are page furniture, which mark notes, code and terms."""

import re

from selectolax.lexbor import LexborNode

SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "button",
        "input",
        "select",
        "textarea",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "audio",
        "video",
        "head",
        "title",
        "form",
        "rt",
        "rp",
        "map",
        "dialog",
        "datalist",
    ]
)
BLOCKS = frozenset(
    [
        "html",
        "body",
        "main",
        "div",
        "p",
        "section",
        "article",
        "aside",
        "header",
        "footer",
        "blockquote",
        "address",
        "figure",
        "figcaption",
        "details",
        "summary",
        "center",
        "fieldset",
        "legend",
        "hgroup",
        "dd",
        "dt",
        "li",
        "ul",
        "ol",
        "dl",
        "menu",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "hr",
        "form",
    ]
)
CODE = frozenset(["code", "kbd", "samp", "tt"])
_CODE_CLASSES = frozenset(
    ["command", "filename", "literal", "userinput", "computeroutput", "varname", "function", "constant", "option"]
)
_NOTES = frozenset(
    [
        "admonition",
        "note",
        "tip",
        "warning",
        "caution",
        "important",
        "sidebar",
        "callout",
        "hint",
        "danger",
        "seealso",
        "alert",
    ]
)
_FURNITURE = frozenset(
    [
        "toc",
        "navheader",
        "navfooter",
        "docnav",
        "sphinxsidebar",
        "related",
        "headerlink",
        "breadcrumb",
        "breadcrumbs",
        "pagination",
        "indexterm",
        "footer-links",
        "page-nav",
        "site-header",
        "site-footer",
        "cookie-banner",
        "skip-link",
        "sr-only",
        "visually-hidden",
        "mw-editsection",
        "anchorjs-link",
        "list-of-figures",
        "list-of-tables",
        "list-of-examples",
        "footnote-backref",
        "footnote-ref",
        "footnote-reference",
        "fn-bracket",
        "noteref",
        "ocn",  # SiSU's number of each paragraph
    ]
)
_FURNITURE_PARTS = frozenset(["noteref", "pagebreak", "toc", "landmarks"])  # of EPUB
_FURNITURE_IDS = frozenset(
    ["toc", "banner", "navigation", "sidebar", "breadcrumbs", "cookie-banner", "skip-link", "table-of-contents"]
)
_FURNITURE_ROLES = frozenset(
    ["navigation", "banner", "contentinfo", "search", "complementary", "doc-toc", "doc-noteref"]
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")


def classes(node: LexborNode) -> frozenset[str]:
    """Return the classes of an element, in lower case."""
    return frozenset((node.attributes.get("class") or "").lower().split())


def is_furniture(node: LexborNode) -> bool:
    """Tell whether an element belongs to the page rather than to the text: navigation, contents, hidden parts."""
    attributes = node.attributes
    if not attributes:
        return node.tag == "footer" or (node.tag == "header" and node.css_first("h1, h2") is None)
    if "hidden" in attributes or (attributes.get("aria-hidden") == "true" and node.tag not in ("code", "pre")):
        return True
    if _HIDDEN.search(attributes.get("style") or ""):
        return True
    if (attributes.get("role") or "") in _FURNITURE_ROLES:
        return True
    if _FURNITURE_PARTS & set((attributes.get("epub:type") or "").split()):
        return True
    own = classes(node)
    if own & _FURNITURE:
        return True
    if node.tag in ("div", "aside", "ul", "ol") and (attributes.get("id") or "").lower() in _FURNITURE_IDS:
        return True
    if node.tag == "p" and (attributes.get("id") or "") == "title":  # Publican's page banner
        return True
    if node.tag == "footer":
        return "footnotes" not in own
    return node.tag == "header" and node.css_first("h1, h2") is None


def is_note(node: LexborNode) -> bool:
    """Tell whether an element sets a remark apart from the running text."""
    if node.tag == "aside":
        return True
    return node.tag in ("div", "section", "blockquote") and bool(classes(node) & _NOTES)


def is_code(node: LexborNode) -> bool:
    """Tell whether an inline element is code, by tag or by DocBook's classes."""
    if node.tag in CODE:
        return True
    return node.tag in ("span", "strong", "em") and bool(classes(node) & _CODE_CLASSES)


def is_layout(table: LexborNode) -> bool:
    """Tell whether a table only arranges the page: no header cells, but blocks or a single column inside."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    if table.css_first("td table, h1, h2, h3, h4") is not None:
        return True
    if table.css_first("th") is not None:
        return False
    rows = table.css("tr")
    return all(len(row.css("td")) <= 1 for row in rows[:50])


def is_line_numbers(node: LexborNode) -> bool:
    """Tell whether a cell only numbers the lines of a listing."""
    return node.tag == "td" and bool(classes(node) & {"linenos", "gutter", "lineno", "line-numbers"})


__all__ = ["BLOCKS", "CODE", "SKIPPED", "classes", "is_code", "is_furniture", "is_layout", "is_line_numbers", "is_note"]
