"""The model that tells languages is kept unpacked where that is possible, and answers the same where it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ASK = """
from coursewright.tongues import identifier
for text in ("A hive is a home for bees, and bees are kept for honey.", "Ein Bienenstock ist ein Zuhause.", "abeille"):
    print(identifier().rank(text)[:5], identifier(frozenset({"de", "en", "fr"})).classify(text))
"""


def _told(cache: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", _ASK],
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def told_without(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is told where nothing can be kept: a file stands where the folder should be."""
    file = tmp_path_factory.mktemp("no") / "file"
    file.touch()
    return _told(file)


def test_what_is_kept_tells_the_same(tmp_path: Path, told_without: str) -> None:
    assert _told(tmp_path) == told_without
    (kept,) = (tmp_path / "coursewright").iterdir()
    before = {file.name: file.stat().st_mtime_ns for file in kept.iterdir()}
    assert "transitions.npy" in before
    assert _told(tmp_path) == told_without
    assert {file.name: file.stat().st_mtime_ns for file in kept.iterdir()} == before


@pytest.mark.parametrize("left", [b"", b"\x93NUMPY"])
def test_a_broken_file_is_passed_over(tmp_path: Path, told_without: str, left: bytes) -> None:
    _told(tmp_path)
    (kept,) = (tmp_path / "coursewright").iterdir()
    (kept / "weights.npy").write_bytes(left)
    assert _told(tmp_path) == told_without
