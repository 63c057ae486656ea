"""What an EPUB says of itself: its package document (parts in reading order, metadata) and its table of contents."""

import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from coursewright.documents.read.decode import decode
from coursewright.documents.read.html import parse_page
from coursewright.documents.read.inline import fold
from coursewright.errors import UnreadableDocument

_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents: where it points (an empty anchor: the part's beginning), from depth 1 on."""

    part: str
    anchor: str
    label: str
    depth: int


@dataclass(frozen=True, slots=True)
class Package:
    """Names of the parts in reading order, the table of contents, and the Dublin Core metadata."""

    parts: tuple[str, ...]
    contents: tuple[Entry, ...]
    title: str
    creator: str
    language: str
    rights: str


def read_package(name: str, archive: zipfile.ZipFile, warnings: list[str]) -> Package:
    """Return the package of the EPUB `name`. Raises `UnreadableDocument`."""
    container = _parse(name, archive, "META-INF/container.xml")
    place = next((unquote(one.get("full-path") or "") for one in _named(container, "rootfile")), "")
    package = _parse(name, archive, place)
    folder = posixpath.dirname(place)
    items = {item.get("id") or "": item for item in _named(package, "item")}
    paths = {key: _path(folder, item.get("href") or "")[0] for key, item in items.items()}
    navigation = next(
        (paths[key] for key, item in items.items() if "nav" in (item.get("properties") or "").split()), ""
    )
    ncx = next((paths[key] for key, item in items.items() if item.get("media-type") == "application/x-dtbncx+xml"), "")
    left_out = {navigation, *(_path(folder, guide.get("href") or "")[0] for guide in _contents_pages(package))}
    order = [reference.get("idref") or "" for reference in _named(package, "itemref")] or list(items)
    pages = (paths[key] for key in order if key in items and items[key].get("media-type") in _PAGES)
    parts = []
    for part in dict.fromkeys(pages):  # a part that the spine names twice is read once
        if part in left_out:
            continue
        if part in archive.namelist():
            parts.append(part)
        else:
            warnings.append(f"the part {part} is missing")
    _check_protection(name, archive, parts)
    contents: Iterable[Entry] = ()
    if navigation in archive.namelist():
        contents = _navigation(decode(name, archive.read(navigation), warnings, html=True), navigation)
    elif ncx in archive.namelist():
        contents = _ncx(_parse(name, archive, ncx), ncx)
    return Package(
        parts=tuple(parts),
        contents=tuple(contents),
        title=next(_texts(package, "title"), ""),
        creator=", ".join(_texts(package, "creator")),
        language=next(_texts(package, "language"), ""),
        rights=next(_texts(package, "rights"), ""),
    )


def _parse(name: str, archive: zipfile.ZipFile, part: str) -> Any:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(archive.read(part))
    except (KeyError, ParseError, DefusedXmlException) as error:
        raise UnreadableDocument(
            name, f"its part {part!r} is missing or damaged", hint="Fetch or export it again."
        ) from error


def _named(root: Any, *names: str) -> Iterator[Any]:
    """Yield elements by local name: the namespaces differ from version to version."""
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.rpartition("}")[2] in names:
            yield element


def _texts(root: Any, name: str) -> Iterator[str]:
    metadata = next(_named(root, "metadata"), root)
    for element in _named(metadata, name):
        if text := fold("".join(element.itertext())):
            yield text


def _contents_pages(package: Any) -> Iterator[Any]:
    return (one for one in _named(package, "reference") if (one.get("type") or "").lower() in ("toc", "cover"))


def _path(folder: str, reference: str) -> tuple[str, str]:
    """Return the part that a reference names, and the anchor in it."""
    path, _, anchor = reference.partition("#")
    return (posixpath.normpath(posixpath.join(folder, unquote(path))) if path else "", unquote(anchor))


def _check_protection(name: str, archive: zipfile.ZipFile, parts: list[str]) -> None:
    """Refuse a book under digital rights management; scrambled fonts alone do not matter."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return
    scrambled = {
        unquote(one.get("URI") or "")
        for one in _named(_parse(name, archive, "META-INF/encryption.xml"), "CipherReference")
    }
    if scrambled & set(parts):
        raise UnreadableDocument(name, "the book is protected against reading (DRM)", hint="Get it without protection.")


def _ncx(root: Any, place: str) -> Iterator[Entry]:
    open_points = [(point, 1) for point in reversed(_children(next(_named(root, "navMap"), root), "navPoint"))]
    while open_points:
        point, depth = open_points.pop()
        label = fold(" ".join("".join(one.itertext()) for one in _children(point, "navLabel")))
        target = next((one.get("src") or "" for one in _children(point, "content")), "")
        part, anchor = _path(posixpath.dirname(place), target)
        if label and part:
            yield Entry(part, anchor, label, depth)
        open_points += [(child, depth + 1) for child in reversed(_children(point, "navPoint"))]


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == name]


def _navigation(html: str, place: str) -> Iterator[Entry]:
    lists = parse_page(html).css("nav")
    marked = [one for one in lists if "toc" in (one.attributes.get("epub:type") or "").split()]
    for link in (marked or lists)[0].css("li a[href]") if lists else ():
        depth, parent = 0, link.parent
        while parent is not None and parent.tag != "nav":
            depth += parent.tag == "li"
            parent = parent.parent
        part, anchor = _path(posixpath.dirname(place), link.attributes.get("href") or "")
        if (label := fold(link.text(deep=True))) and part:
            yield Entry(part, anchor, label, depth)


__all__ = ["Entry", "Package", "read_package"]
