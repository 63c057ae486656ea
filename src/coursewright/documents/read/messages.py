"""What the reading subprocess and its parent say to each other: JSON, so a hijacked child can send only text."""

from pydantic import BaseModel, ConfigDict

from coursewright.documents.passages import Passage, ReadDocument


class Request(BaseModel):
    """Read `path`, or the `size` bytes that follow this line. Limits are in bytes and seconds."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    path: bytes | None = None  # file systems allow names that are no UTF-8
    size: int = 0
    max_size: int
    max_unpacked: int
    seconds: float = 180


class Reply(BaseModel):
    """A document with its passages, or what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    document: ReadDocument | None = None
    passages: tuple[Passage, ...] = ()
    detail: str = ""
    hint: str = ""
    exhausted: bool = False  # out of memory: the process is not to be used again


__all__ = ["Reply", "Request"]
