"""Replies that the database could not take: kept in files that survive a crash, and stored as soon as it is back."""

import json
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from coursewright.errors import DatabaseUnavailable

logger = logging.getLogger("coursewright.llm")


class Spill:
    """A folder of replies, one file each, named after the send. The files are for the owner's eyes only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: set[Path] = set()

    def keep(self, send_id: str, record: dict[str, Any]) -> Path:
        """Write a record so that it is on disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{send_id}.json"
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path

    def waiting(self) -> list[Path]:
        """Return the files that wait."""
        if not self._folder.is_dir():
            return []
        return sorted(self._folder.glob("*.json"))

    async def replay(self, store: Callable[[dict[str, Any]], Awaitable[bool]]) -> int:
        """Hand each record to `store` and delete its file when that returns True. Returns how many were stored.

        A file that cannot be read, or holds something else, stays where it is: neither the others nor the rounds of
        duties are to suffer. It is told once.
        """
        stored = 0
        for path in self.waiting():
            try:
                if await store(json.loads(path.read_text(encoding="utf-8"))):
                    path.unlink(missing_ok=True)
                    stored += 1
            except FileNotFoundError:
                continue  # another process of this folder was quicker
            except DatabaseUnavailable:
                raise
            except Exception as error:
                if path not in self._told:
                    logger.warning("What the database is to know waits in %s and cannot be stored: %r", path, error)
                self._told.add(path)
        return stored


__all__ = ["Spill"]
