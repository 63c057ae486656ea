"""EPUB: the spine's order, the book's own headings and those of its table of contents, protection."""

import pytest

from coursewright.documents.read import read
from coursewright.errors import UnreadableDocument
from tests.unit.documents.making import blocks, zipped

_CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
_METADATA = """<dc:title>The bee book</dc:title><dc:creator>Ada Example</dc:creator><dc:creator>Bo Example</dc:creator>
<dc:language>en-GB</dc:language><dc:rights>CC BY 4.0</dc:rights>"""


def _page(body: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"
    xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>{body}</body></html>"""


def _book(
    pages: dict[str, str], *, spine: list[str] | None = None, navigation: str = "", extra: dict[str, str] | None = None
) -> bytes:
    names = dict.fromkeys([*pages, *(spine or []), *(["nav.xhtml"] if navigation else [])])
    items = "".join(
        f'<item id="{name}" href="{name}" media-type="application/xhtml+xml" properties="{name[:-6]}"/>'
        for name in names  # `nav` is the property that marks the navigation
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in spine or names)
    package = f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
    <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{_METADATA}</metadata>
    <manifest>{items}<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>
    <spine>{order}</spine></package>"""
    parts = {"mimetype": "application/epub+zip", "META-INF/container.xml": _CONTAINER, "OEBPS/book.opf": package}
    parts |= {f"OEBPS/{name}": _page(body) for name, body in pages.items()}
    if navigation:
        parts["OEBPS/nav.xhtml"] = _page(f'<nav epub:type="toc"><ol>{navigation}</ol></nav>')
    return zipped(parts | (extra or {}))


def test_reads_the_spine_in_its_order_and_what_the_package_says() -> None:
    pages = {
        "two.xhtml": '<h1>Honey</h1><p>Honey is <a id="x"/>sweet.<a epub:type="noteref" href="#n">1</a></p>',
        "one.xhtml": "<h1>Hives</h1><p>A hive has boxes.</p><ul><li>Roof</li></ul>",
    }
    document = read("bees.epub", _book(pages, spine=["one.xhtml", "two.xhtml", "one.xhtml"]))
    assert (document.title, document.attribution) == ("The bee book", "Ada Example, Bo Example")
    assert (document.licence, document.language) == ("CC BY 4.0", "en")
    assert blocks(document) == [
        ("heading", "Hives"),
        ("paragraph", "A hive has boxes."),
        ("list", "- Roof"),
        ("heading", "Honey"),
        ("paragraph", "Honey is sweet."),
    ]


def test_the_navigation_gives_headings_that_pages_lack_and_is_not_read_itself() -> None:
    pages = {
        "one.xhtml": '<h2>Hives</h2><p id="a">1.1 The roof</p><p>It keeps rain off.</p>',
        "two.xhtml": "<p>Honey is sweet.</p>",
    }
    navigation = """<li><a href="one.xhtml">Hives</a><ol><li><a href="one.xhtml#a">1.1 The  roof</a></li></ol></li>
    <li><a href="two.xhtml">Honey</a></li>"""
    document = read("bees.epub", _book(pages, navigation=navigation))
    found = [(kind, text, span.level) for (kind, text), span in zip(blocks(document), document.spans, strict=True)]
    assert found == [
        ("heading", "Hives", 2),
        ("heading", "1.1 The roof", 3),
        ("paragraph", "It keeps rain off.", 0),
        ("heading", "Honey", 1),
        ("paragraph", "Honey is sweet.", 0),
    ]


def test_the_ncx_of_older_books_serves_as_well() -> None:
    ncx = """<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
    <navPoint><navLabel><text>Bees &amp; hives</text></navLabel><content src="one.xhtml"/></navPoint></navMap></ncx>"""
    document = read("bees.epub", _book({"one.xhtml": "<p>A hive has boxes.</p>"}, extra={"OEBPS/toc.ncx": ncx}))
    assert blocks(document)[0] == ("heading", "Bees & hives")


def test_leaves_out_a_page_of_links_and_names_a_missing_part() -> None:
    links = "".join(f'<p><a href="one.xhtml#{n}">Chapter {n}</a></p>' for n in range(12))
    pages = {"toc.xhtml": f"<h1>Contents</h1>{links}", "one.xhtml": "<p>A hive has boxes.</p>"}
    document = read("bees.epub", _book(pages, spine=["toc.xhtml", "gone.xhtml", "one.xhtml"]))
    assert blocks(document) == [("paragraph", "A hive has boxes.")]
    assert document.warnings == ("the part OEBPS/gone.xhtml is missing",)


@pytest.mark.parametrize(
    "extra, detail",
    [
        ({"OEBPS/book.opf": "<package"}, "missing or damaged"),
        ({"META-INF/container.xml": "<container/>"}, "missing or damaged"),
        ({"META-INF/encryption.xml": '<e><CipherReference URI="OEBPS/one.xhtml"/></e>'}, "protected"),
        ({"OEBPS/one.xhtml": _page("<img src='x.png'/>")}, "no text"),
        ({"OEBPS/one.xhtml": "<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>"}, "entities"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_with_a_clear_error(extra: dict[str, str], detail: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read("bees.epub", _book({"one.xhtml": "<p>A hive.</p>"}, extra=extra))
    assert detail in caught.value.detail
