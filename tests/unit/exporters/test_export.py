"""An export is whole, repeatable, and never harms a folder that is not ours."""

import json
import os
from pathlib import Path

import pytest

from coursewright.course.model import Course
from coursewright.course.quality import measure
from coursewright.errors import OutputError
from coursewright.exporters.export import export, render_json
from tests.sample_course import sample_course

COURSE = sample_course()
QUALITY = measure(COURSE)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_formats_are_written_and_named(tmp_path: Path) -> None:
    paths = export(COURSE, QUALITY, out=tmp_path / "out")
    assert [path.name for path in paths] == ["course.json", "index.html", "course.md", "quality.json"]
    assert all(path.is_file() for path in paths)


def test_two_exports_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    export(COURSE, QUALITY, out=tmp_path / "one")
    export(COURSE, QUALITY, out=tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_course_json_holds_the_whole_course(tmp_path: Path) -> None:
    export(COURSE, QUALITY, ["json"], out=tmp_path)
    text = (tmp_path / "course.json").read_text("utf-8")
    assert Course.model_validate_json(text) == COURSE
    assert text.endswith("}\n")
    assert "\\u7d22" not in text  # written as it is read
    assert list(json.loads(text))[:2] == ["schema_version", "title"]


def test_only_the_formats_asked_for_are_written(tmp_path: Path) -> None:
    export(COURSE, QUALITY, ["quality"], out=tmp_path / "out")
    assert set(tree(tmp_path / "out")) == {"quality.json", ".coursewright-export"}
    assert (tmp_path / "out/quality.json").read_bytes() == render_json(QUALITY)


def test_a_previous_export_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    export(COURSE, QUALITY, out=tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "site" / "stale.html").write_text("old")
    export(COURSE, QUALITY, out=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "site" / "stale.html").exists()
    assert not [path for path in tmp_path.parent.iterdir() if path.name.startswith(f".{tmp_path.name}.")]


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(OutputError) as refused:
        export(COURSE, QUALITY, out=tmp_path)
    assert refused.value.hint
    assert set(tree(tmp_path)) == {"thesis.docx"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError):
        export(COURSE, QUALITY, out=tmp_path / "out")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_place_that_cannot_be_written_is_explained() -> None:
    with pytest.raises(OutputError) as refused:
        export(COURSE, QUALITY, out=Path("/dev/full/out"))
    assert refused.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="permission"):
        export(COURSE, QUALITY, out=tmp_path / "out")


def test_markdown_says_everything_and_keeps_markup_harmless(tmp_path: Path) -> None:
    export(COURSE, QUALITY, ["markdown"], out=tmp_path)
    text = (tmp_path / "course.md").read_text("utf-8")
    code = "apt update\napt install"
    assert code in text
    assert "<script>" not in text.replace("\\<script\\>", "")
    for needed in ("## Module 1: Packages", "| Command | What it does |", "  - by name", "[^1]: ", "no language model"):
        assert needed in text
