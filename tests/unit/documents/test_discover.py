"""Which files a user means by paths, and what is said of those that are not read."""

import os
import re
from pathlib import Path

import pytest

from coursewright.documents.discover import discover
from coursewright.documents.read import EXTENSIONS
from coursewright.documents.read.foreign import FOREIGN
from coursewright.errors import NothingToRead, UnreadableDocument

_MOST = 1 << 20


def _write(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_names_what_is_not_read_and_what_to_do(tmp_path: Path) -> None:
    _write(tmp_path, a_md=b"# A", old_doc=b"x", old_XLS=b"x", old_odt=b"x", pic_png=b"x", talk_mp4=b"x", x_bin=b"x")
    found, skipped = discover([tmp_path], _MOST)
    assert [each.name for each in found] == ["a.md"]
    assert {each.name: each.reason for each in skipped} == {
        "old.doc": "an old Word document is not read: save it as .docx",
        "old.XLS": "an old Excel workbook is not read: save it as .xlsx",
        "old.odt": "an OpenDocument text is not read: save it as .docx or PDF",
        "pic.png": "an image is not read: run OCR and give the text as PDF",
        "talk.mp4": "a video is not read: give its subtitles (.vtt or .srt)",
        "x.bin": "not a kind of document that is read",
    }


def test_an_image_that_a_page_shows_is_not_left_out(tmp_path: Path) -> None:
    pages = {"a_md": b"![A hive](images/hive%20one.svg)", "b__b_html": b'<img alt="Mite" src="../mite.png?v=2">'}
    _write(tmp_path, **pages, b__scan_png=b"x")
    for name in ("images/hive one.svg", "mite.png", "images/other.svg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found, skipped = discover([tmp_path], _MOST)
    assert [each.name for each in found] == ["a.md", "b/b.html"]
    assert [each.name for each in skipped] == ["b/scan.png", "images/other.svg"]


def test_the_same_content_is_read_once_and_named(tmp_path: Path) -> None:
    _write(tmp_path, a_md=b"# A", b__copy_md=b"# A", c_md=b"# C")
    found, skipped = discover([tmp_path, tmp_path / "c.md"], _MOST)
    assert [each.name for each in found] == ["a.md", "c.md"]
    assert [(each.name, each.reason) for each in skipped] == [
        ("b/copy.md", "the same as a.md"),
        ("c (2).md", "the same as c.md"),
    ]


def test_hidden_files_are_passed_over_and_large_ones_named(tmp_path: Path) -> None:
    _write(tmp_path, a_md=b"# A", _git__b_md=b"# B", big_txt=b"x" * 2_000_000)
    found, skipped = discover([tmp_path], _MOST)
    assert [each.name for each in found] == ["a.md"]
    assert [each.name for each in skipped] == ["big.txt"]
    assert skipped[0].reason.startswith("2 MB is more than the limit of 1 MB: split it, or raise COURSEWRIGHT_")


def test_what_is_no_file_or_cannot_be_opened_costs_only_itself(tmp_path: Path) -> None:
    _write(tmp_path, a_md=b"# A")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "dangling.md").symlink_to("nowhere")
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"Coffee keeps bees awake.")
    found, skipped = discover([tmp_path], _MOST)
    assert [each.name for each in found] == ["a.md", "caf\ufffd.txt"]
    reasons = {each.name: each.reason for each in skipped}
    assert reasons["pipe.md"] == "not a regular file"
    assert reasons["dangling.md"] == "a link that leads nowhere"
    (tmp_path / "broken.md").symlink_to("/proc/self/mem")  # opens, and fails to read
    _, skipped = discover([tmp_path / "a.md", tmp_path / "broken.md"], _MOST)
    assert skipped[0].reason.startswith("it cannot be opened (")


def test_links_out_of_the_folder_and_to_folders_are_not_followed_but_told(tmp_path: Path) -> None:
    _write(tmp_path, in__a_md=b"# A", out_md=b"# Secret", other__b_md=b"# B")
    folder = tmp_path / "in"
    (folder / "leak.md").symlink_to("../out.md")
    (folder / "same.md").symlink_to("a.md")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "up").symlink_to("..")
    (folder / "beside").symlink_to("../other")
    (tmp_path / "way").symlink_to("in")
    for root in (folder, tmp_path / "way"):
        found, skipped = discover([root], _MOST)
        assert [each.name for each in found] == ["a.md"]
        assert {each.name: each.reason for each in skipped} == {
            "beside": "a link to a folder; name that folder to read it",
            "up": "a link to a folder; name that folder to read it",
            "leak.md": "a link out of the folder; name its target to read it",
            "loop.md": "a link that leads nowhere",
            "same.md": "the same as a.md",
        }
    assert [each.name for each in discover([folder / "leak.md"], _MOST)[0]] == ["leak.md"]  # meant, for it was named


def test_a_course_that_was_written_among_the_sources_is_none_of_them(tmp_path: Path) -> None:
    _write(tmp_path, a_md=b"# A", course__course_md=b"# Made of A", course__site__index_html=b"<p>Made of A")
    assert len(discover([tmp_path], _MOST, "mark")[0]) == 3
    (tmp_path / "course/mark").touch()
    found, skipped = discover([tmp_path], _MOST, "mark")
    assert [each.name for each in found] == ["a.md"]
    assert [(each.name, each.reason) for each in skipped] == [
        ("course", "a course that was written here, not a source")
    ]
    assert len(discover([tmp_path / "course"], _MOST, "mark")[0]) == 2  # meant, for it was named


def test_what_cannot_be_a_source_is_refused_by_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    _write(tmp_path, a_md=b"# A")
    for path, says in [
        (tmp_path / "pipe.md", "a pipe or a device"),
        (Path("/dev/null"), "a pipe or a device"),
        (tmp_path / ("x" * 5000), "File name too long"),
        (tmp_path / "loop.md", "cannot be opened"),
        (tmp_path / "a.md" / "b.md", "does not exist"),
    ]:
        with pytest.raises(UnreadableDocument) as caught:
            discover([path], _MOST)
        assert says in caught.value.detail
        assert len(caught.value.detail) < 400


def test_an_empty_folder_and_a_wrong_path_say_so(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match="the folder is empty") as caught:
        discover([tmp_path], _MOST)
    assert ".docx" in caught.value.hint
    assert ".vtt" in caught.value.hint
    with pytest.raises(UnreadableDocument, match="does not exist"):
        discover([tmp_path / "gone"], _MOST)


def test_the_page_of_documents_names_every_extension_that_is_read() -> None:
    page = (Path(__file__).parents[3] / "docs/documents.md").read_text(encoding="utf-8")
    table = page.partition("## Passages")[0]
    assert set(re.findall(r"`(\.\w+)`", table)) == set(EXTENSIONS)
    assert not EXTENSIONS.keys() & FOREIGN.keys()
