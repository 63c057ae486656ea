"""Files that cannot be read say so clearly; odd files that can be read are."""

import io

import pytest

from coursewright.documents.read import read
from coursewright.errors import UnreadableDocument
from tests.unit.documents.making import zipped


def _pdf(text: str = "", password: str = "") -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=StandardEncryption(password) if password else None)
    if text:
        canvas.drawString(72, 700, text)
    else:
        canvas.rect(72, 500, 100, 100)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


_SENTENCE = "The hive has two boxes and a roof, and the bees live in the lower one. "
_ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


@pytest.mark.parametrize(
    "name, content, detail",
    [
        ("empty.md", b"", "empty"),
        ("blank.txt", b" \n\n ", "empty"),
        ("scan.pdf", _pdf(), "scanned"),
        ("secret.pdf", _pdf(_SENTENCE, password="x"), "password"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj", "damaged or cut off"),
        ("not.pdf", b"only words", "not a PDF"),
        ("not.docx", b"only words", "not a DOCX"),
        ("cut.docx", zipped({"word/document.xml": b"<x/>" * 500})[:60], "cut off"),
        ("no-part.docx", zipped({"readme": b"words"}), "no document part"),
        ("entity.docx", zipped({"word/document.xml": _ENTITY}), "entities"),
        ("entity16.docx", zipped({"word/document.xml": _ENTITY.decode().encode("utf-16")}), "entities"),
        ("bomb.docx", zipped({"word/document.xml": b"\x00" * 4_000_000}), "unpacks to more"),
        ("path.docx", zipped({"word/document.xml": b"<x/>", "../../evil": b"x"}), "unsafe name"),
        ("old.doc", b"\xd0\xcf\x11\xe0" + bytes(600), "old Office file"),
        ("photo.md", b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        ("nothing.html", b"<html><body><nav>Home</nav></body></html>", "no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # archives hold the time: not a stable id
)
def test_refuses_with_a_clear_error(name: str, content: bytes, detail: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(name, content, max_unpacked=1_000_000)
    assert detail in caught.value.detail
    assert caught.value.path == name


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_reads_encodings(encoding: str) -> None:
    text = "Die Königin legt im Frühjahr täglich bis zu zweitausend Eier in die Waben. " * 3
    assert "Königin legt im Frühjahr" in read("a.txt", text.encode(encoding)).text


def test_drops_nul_characters_with_a_warning() -> None:
    document = read("a.md", b"# Title\n\nBees\x00 fly.\n")
    assert "Bees fly." in document.text
    assert any("NUL" in warning for warning in document.warnings)


def test_reads_deep_nesting_and_unclosed_tags() -> None:
    html = "<p>Before" + "<div>" * 20_000 + "deep text<p>unclosed <b>bold"
    text = read("deep.html", html.encode()).text
    assert "deep text" in text
    assert "unclosed bold" in text


def test_reads_a_file_of_the_wrong_extension_as_what_it_is() -> None:
    document = read("wrong.docx", _pdf(_SENTENCE))
    assert "two boxes" in document.text
    assert any("read as pdf" in warning for warning in document.warnings)
