"""Runs `coursewright` as a user does: a process of its own, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HANDBOOK = Path(__file__).parents[2] / "examples" / "knowledge-base"


class CommandLine:
    """Runs `coursewright` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COURSEWRIGHT_", "DATABASE_", "OPENAI_", "ANTHROPIC_"))
        } | {"NO_COLOR": "1", "COLUMNS": "200"}

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

    def documents(self, *patterns: str) -> Path:
        """Copy pages of the handbook into `docs`."""
        folder = self.folder / "docs"
        folder.mkdir(exist_ok=True)
        for pattern in patterns:
            for page in sorted(HANDBOOK.glob(pattern)):
                (folder / page.name).write_bytes(page.read_bytes())
        return folder
