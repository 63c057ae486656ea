"""The page of benchmarks: a table on it is replaced by a whole one only."""

from pathlib import Path

from bench.report import Table, write


def test_a_table_that_lacks_a_part_does_not_replace_a_whole_one(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write([Table("Reading", "Note.", ("what",), [("fast",)])], page)
    assert "| fast |" in page.read_text()
    write([Table("Reading", "Note.", ("what",), [("slow",)], whole=False)], page)
    assert "| fast |" in page.read_text()
    write([Table("Reading", "Note.", ("what",), [("faster",)])], page)
    assert "| faster |" in page.read_text()
    assert "| fast |" not in page.read_text()
