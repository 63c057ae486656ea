"""What the reading subprocess and its parent say to each other: JSON, so a hijacked child can send only text."""

from pydantic import BaseModel, ConfigDict

from coursewright.documents.passages import Passage, ReadDocument


class Request(BaseModel):
    """Read `path`, or the `size` bytes that follow this line. Limits are in bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    path: str | None = None
    size: int = 0
    max_size: int
    max_unpacked: int


class Reply(BaseModel):
    """A document with its passages, or what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    document: ReadDocument | None = None
    passages: tuple[Passage, ...] = ()
    detail: str = ""
    hint: str = ""
    exhausted: bool = False  # out of memory: the process is not to be used again


__all__ = ["Reply", "Request"]
