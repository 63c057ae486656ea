"""Lets an author write one task, under a key that says what the result is a function of; and the built-in author in
its place when nothing usable came of it.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from coursewright.course.plan import CourseRequest
from coursewright.documents.passages import Passage
from coursewright.errors import InvalidRequest, NoUsableReply, RequestRefused
from coursewright.generation.authors import Author, AuthorFor, TaskContext
from coursewright.generation.terms import job_terms
from coursewright.queue import Lease

T = TypeVar("T")


class Writing:
    """Chooses the author of a task. `stand_in` writes what the author's model could not."""

    def __init__(self, author_for: AuthorFor, stand_in: Author) -> None:
        self._author_for = author_for
        self.stand_in = stand_in

    async def author(self, lease: Lease, request: CourseRequest, key: str, passages: Sequence[Passage] = ()) -> Author:
        """Return the author of a task."""
        organisation_id, knowledge_base_id = whose(lease)
        context = TaskContext(
            organisation_id=organisation_id,
            knowledge_base_id=knowledge_base_id,
            job_id=lease.job_id,
            kind=lease.type,
            key=key,
            generation=lease.generation,
            task=lease.identifier,
            documents=tuple(sorted({passage.document for passage in passages})),
            terms=job_terms(lease.request),
            seconds_left=lease.seconds_left,
            host_seconds=lease.host_seconds,
        )
        return await self._author_for(request, context)

    async def write(
        self,
        lease: Lease,
        request: CourseRequest,
        passages: Sequence[Passage],
        inputs: Mapping[str, Any],
        work: Callable[[Author, CourseRequest], Awaitable[T]],
    ) -> tuple[T, dict[str, Any]]:
        """Return what the author wrote, and what the task remembers: the key, who wrote, why a stand-in did.

        `inputs` is everything beside request and passages that the result follows from.
        """
        key = _key(request, passages, inputs)
        author = await self.author(lease, request, key, passages)
        memory: dict[str, Any] = {"key": key, "author": author.name, "version": author.version}
        try:
            return await work(author, request), memory
        except (NoUsableReply, RequestRefused) as error:
            if not job_terms(lease.request).substitute:
                raise
            memory |= {"author": self.stand_in.name, "version": self.stand_in.version}
            memory["substituted"] = list(error.reasons) if isinstance(error, NoUsableReply) else [error.detail]
            return await work(self.stand_in, request.without_model()), memory


def whose(lease: Lease) -> tuple[Any, Any]:
    """Return the organisation and the knowledge base of a task."""
    if lease.organisation_id is None or lease.base_class_id is None:
        raise InvalidRequest(
            f"Job {lease.job_id} names no organisation or no knowledge base.",
            hint="Set organisation_id and base_class_id when the job is inserted.",
        )
    return lease.organisation_id, lease.base_class_id


def _key(request: CourseRequest, passages: Sequence[Passage], inputs: Mapping[str, Any]) -> str:
    pinned = {
        "request": request.model_dump(mode="json"),
        "inputs": dict(inputs),
        "passages": [[passage.id, passage.sha256] for passage in passages],
    }
    return hashlib.sha256(json.dumps(pinned, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


__all__ = ["Writing", "whose"]
