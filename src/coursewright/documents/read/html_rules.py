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
        "embed",
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
PICTURES = frozenset(["img", "svg", "object"])
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

_ICON = 32.0  # pixels; a picture that is no wider or no higher is a sign
_IMAGE = re.compile(r"image/|\.(?:svg|png|jpe?g|gif|webp)\b", re.I)
_OF_ICONS = frozenset(["a", "button", "h1", "h2", "h3", "h4", "h5", "h6"])


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


def alternative_text(picture: LexborNode) -> str:
    """Return what stands in the place of a picture for those who do not see it."""
    attributes = picture.attributes
    label = attributes.get("alt") or attributes.get("aria-label") or ""
    inside = None if label else picture.css_first("title, img[alt]")
    if inside is None:
        return label
    return inside.attributes.get("alt") or inside.text(deep=True)


def is_decorative(picture: LexborNode) -> bool:
    """Tell whether a picture says nothing: by its role, as small as an icon, or nothing that shows a picture at all."""
    attributes = picture.attributes
    role = attributes.get("role") or ""
    if role in ("presentation", "none"):
        return True
    if picture.tag == "object" and not _IMAGE.search(f"{attributes.get('type')} {attributes.get('data')}"):
        return True
    box = (attributes.get("viewBox") or attributes.get("viewbox") or "").split()
    sizes = [_pixels(attributes.get("width")), _pixels(attributes.get("height"))]
    if not any(sizes) and len(box) == 4:
        sizes = [_pixels(box[2]), _pixels(box[3])]
    if any(size is not None and size <= _ICON for size in sizes):
        return True
    return picture.tag == "svg" and role != "img" and not any(sizes)


def is_amid_text(picture: LexborNode) -> bool:
    """Tell whether a picture stands in a line of text, in a heading or in a link, as icons do."""
    parent = picture.parent
    return parent is not None and (parent.tag in _OF_ICONS or bool(parent.text(deep=True).strip()))


def _pixels(size: str | None) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*(?:px)?\s*", size or "")
    return float(found[1]) if found else None


def is_line_numbers(node: LexborNode) -> bool:
    """Tell whether a cell only numbers the lines of a listing."""
    return node.tag == "td" and bool(classes(node) & {"linenos", "gutter", "lineno", "line-numbers"})


__all__ = [
    "BLOCKS",
    "CODE",
    "PICTURES",
    "SKIPPED",
    "alternative_text",
    "classes",
    "is_amid_text",
    "is_code",
    "is_decorative",
    "is_furniture",
    "is_layout",
    "is_line_numbers",
    "is_note",
]
