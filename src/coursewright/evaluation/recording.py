"""A recording: one knowledge base, what was asked for, and every reply of a model to it; one file of JSON lines.

The first line is the head, then a line a passage (`{"passage": …}`) and a line a reply (`{"reply": …}`). Everything
that a course follows from is in it, so that it can be judged again anywhere, without documents, network or key.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from coursewright.course.plan import CourseRequest
from coursewright.documents.passages import Passage
from coursewright.errors import InvalidRequest, OutputError
from coursewright.llm.model import Abilities, Finish, Usage

_PASSAGE: TypeAdapter[Passage] = TypeAdapter(Passage)


class RecordedReply(BaseModel):
    """One reply. `task`, `part` and `turn` say to what; `dollars` and `seconds` are what it took when it was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    part: str
    kind: str
    turn: int
    model: str
    text: str
    finish: Finish
    usage: Usage
    dollars: float
    seconds: float


class Head(BaseModel):
    """The first line. `prompts` is the content hash of the prompts that the replies answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coursewright: Literal["recording"] = "recording"
    version: Literal[1] = 1
    prompts: str
    models: dict[str, str] = Field(description="The model of each kind of task.")
    abilities: dict[str, Abilities] = Field(description="By model: prompts are packed to its window.")
    request: CourseRequest


@dataclass(frozen=True, slots=True)
class Recording:
    """See the module."""

    head: Head
    passages: tuple[Passage, ...]
    replies: tuple[RecordedReply, ...]

    @property
    def knowledge_base(self) -> str:
        """Return 12 hexadecimal digits that are the same for the same documents and the same wish."""
        asked = self.head.request.model_dump(mode="json", exclude={"model"})
        parts = [json.dumps(asked, sort_keys=True), *(f"{each.id} {each.sha256}" for each in self.passages)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def place(task: str) -> str:
    """Return a task's identifier without the knowledge base's, which is another one in each database."""
    return "exam" if task.startswith("exam-") else task


def write_recording(recording: Recording, path: Path) -> None:
    """Write a recording. Raises OutputError."""
    lines = [recording.head.model_dump(mode="json")]
    lines += [{"passage": asdict(passage)} for passage in recording.passages]
    lines += [{"reply": reply.model_dump(mode="json")} for reply in recording.replies]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error


def read_recording(path: Path) -> Recording:
    """Read a recording. Raises InvalidRequest, which says what is wrong in which line."""
    lines = _lines(path)
    number, first = next(lines, (1, {}))
    try:
        if first.get("coursewright") != "recording":
            raise InvalidRequest(
                f"{path} is no recording.",
                hint="`coursewright eval JOB --record FILE` writes one, from a finished job of the author llm.",
            )
        head = Head.model_validate(first)
        passages: list[Passage] = []
        replies: list[RecordedReply] = []
        for number, line in lines:  # noqa: B007 - told with the error
            if "passage" in line:
                passages.append(_PASSAGE.validate_python(line["passage"], strict=False))
            else:
                replies.append(RecordedReply.model_validate(line.get("reply")))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidRequest(f"{path}, line {number}: {where}: {problem['msg']}", hint="Record it again.") from error
    return Recording(head, tuple(passages), tuple(replies))


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                value = json.loads(line)
                if not isinstance(value, dict):
                    raise InvalidRequest(f"{path}, line {number} is no JSON object.", hint="Record it again.")
                yield number, value
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.", hint="Name a recording.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        hint = "A recording is a file of JSON lines; `coursewright eval JOB --record FILE` writes one."
        raise InvalidRequest(f"{path} is no file of JSON lines: {error}", hint=hint) from error


__all__ = ["Head", "RecordedReply", "Recording", "place", "read_recording", "write_recording"]
