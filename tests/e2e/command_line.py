"""Runs `coursewright` as a user does: a process of its own, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HANDBOOK = Path(__file__).parents[2] / "examples" / "knowledge-base"


class CommandLine:
    """Runs `coursewright` in a folder: on a server that is running (quicker), or the embedded one of the folder."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COURSEWRIGHT_", "DATABASE_", "OPENAI_", "ANTHROPIC_"))
        } | {"NO_COLOR": "1", "COLUMNS": "200"}
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "coursewright", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, err
        assert "Traceback" not in err
        return out, err

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("jobs", "--json")[0])
        return found

    def page(self) -> Path:
        """Write the first sections of one page of the handbook into `docs`: enough for a course of one lesson."""
        folder = self.folder / "docs"
        folder.mkdir(exist_ok=True)
        whole = (HANDBOOK / "03-choosing-a-site.md").read_text(encoding="utf-8")
        (folder / "site.md").write_text("## ".join(whole.split("## ")[:5]).rstrip("# "), encoding="utf-8")
        return folder

    def documents(self, *patterns: str) -> Path:
        """Copy pages of the handbook into `docs`."""
        folder = self.folder / "docs"
        folder.mkdir(exist_ok=True)
        for pattern in patterns:
            for page in sorted(HANDBOOK.glob(pattern)):
                (folder / page.name).write_bytes(page.read_bytes())
        return folder
