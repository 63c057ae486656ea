"""Documents for measurements and long tests: as many as wanted, with as many sections, all from the handbook's text."""

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
_HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_MOST_WORDS = 180  # a section: it becomes one passage
_FEWEST_WORDS = 45

# 2 modules x 3 lessons with 21 sections of two passages each, when three lessons are cut from each document.
COURSE_45 = (22, 23)


def write_documents(folder: Path, sections: Sequence[int]) -> list[Path]:
    """Write one document for each number, with so many sections, all different. Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    found = iter(_sections())
    paths = []
    for number, count in enumerate(sections, 1):
        parts = [next(found) for _ in range(count)]
        path = folder / f"{number:02}.md"
        text = "\n\n".join(f"## {heading}\n\n{body}" for heading, body in parts)
        path.write_text(f"# Handbook, part {number}\n\n{text}\n", encoding="utf-8")
        paths.append(path)
    return paths


def _sections() -> list[tuple[str, str]]:
    """Return headings and running text, each heading once."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "examples/knowledge-base").glob("*.md")):
        pieces = _HEADING.split(path.read_text(encoding="utf-8"))[1:]
        for heading, body in zip(pieces[::2], pieces[1::2], strict=True):
            kept: list[str] = []
            for paragraph in body.split("\n\n"):
                plain = " ".join(paragraph.split())
                whole = plain.endswith(".") and not re.match(r"[-|#\d!>*:<]", plain)
                if whole and sum(len(one.split()) for one in [*kept, plain]) <= _MOST_WORDS:
                    kept.append(plain)
            text = "\n\n".join(kept)
            if len(text.split()) >= _FEWEST_WORDS:
                found.setdefault(heading.strip(), text)
    return list(found.items())


__all__ = ["COURSE_45", "ROOT", "write_documents"]
