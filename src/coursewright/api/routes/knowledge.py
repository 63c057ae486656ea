"""Documents in and out of knowledge bases: `/api/knowledge-base`."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AliasChoices, Field, HttpUrl
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from coursewright.api.callers import Caller, Ours, Program, Staff, is_staff
from coursewright.api.problems import responses
from coursewright.api.schemas import Answer, Columns, Done, Words
from coursewright.documents.library import LibraryDocument
from coursewright.documents.read.sniff import refuse_foreign
from coursewright.errors import InvalidRequest

router = APIRouter(prefix="/api/knowledge-base", tags=["knowledge bases"])

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The document."},
                        "base_class_id": {
                            "type": "string",
                            "format": "uuid",
                            "description": "The knowledge base; a new id makes one. Default: a new one.",
                        },
                    },
                },
                "example": {"file": "handbook.pdf", "base_class_id": "7d9f2a34-5f0e-4c57-9d0a-2f8a3f1c6b10"},
            }
        },
    }
}


class Document(Columns):
    """A document of a knowledge base."""

    id: UUID
    base_class_id: UUID = Field(validation_alias="knowledge_base_id")
    name: str
    status: Annotated[str, Field(pattern="^(queued|processing|completed|error)$")]
    error: str | None
    hint: str | None
    title: str | None
    language: str | None
    pages: int | None
    warnings: list[str]
    bytes: int
    content_type: str | None
    source_url: str | None
    passages: int
    added_at: Any
    read_at: Any


class Added(Answer):
    """A document that is being read; `GET documents` shows how far it is."""

    document_id: UUID
    base_class_id: UUID
    status: str
    document: Document


class ReadingProgress(Words):
    done: int
    total: int


class Documents(Answer):
    documents: list[Document]
    progress: ReadingProgress = Field(description="Documents read, or found unreadable, of all.")


class SourceContext(Answer):
    """A passage where it stands."""

    document_id: UUID
    document: str
    title: str | None
    chunk_id: str
    heading_path: list[str]
    page: int | None
    time_code: str | None
    text: str
    language: str
    before: str | None = Field(description="The passage before it.")
    after: str | None = Field(description="The passage after it.")


class Question(Words):
    """A question to a knowledge base."""

    query: str = Field(min_length=1, max_length=1000, examples=["How often is a colony inspected?"])
    base_class_id: UUID = Field(validation_alias=AliasChoices("baseClassId", "base_class_id"))
    limit: int = Field(10, ge=1, le=100)


class Highlight(Words):
    """The part of the passage that answers best."""

    text: str
    start: int = Field(description="Where it begins in the passage, in characters.")
    matches: list[list[int]] = Field(description="Start and end of each word of the question in `text`.")


class FoundPassage(Words):
    document_id: UUID
    document: str
    title: str | None
    chunk_id: str
    heading_path: list[str]
    page: int | None
    time_code: str | None
    text: str
    score: float = Field(description="0-1; compares results of one question only.")
    highlight: Highlight


class Found(Answer):
    results: list[FoundPassage]


class Link(Words):
    """A document on the web."""

    url: HttpUrl = Field(examples=["https://www.debian.org/doc/manuals/debian-reference/debian-reference.en.pdf"])
    base_class_id: UUID | None = None
    name: str | None = Field(None, max_length=300, description="Default: from the URL.")


@router.post(
    "/upload", status_code=202, summary="Add a document", openapi_extra=_FORM, responses=responses(400, 404, 409)
)
async def upload(request: Request, principal: Caller, ours: Ours, program: Program) -> Added:
    """Take a file; it is read in the background, and jobs on its knowledge base wait until it is."""
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        raise _wrong("file", "The body is not multipart/form-data.")
    try:
        form = await request.form(max_files=1, max_fields=5)
    except MultiPartException as error:
        raise _wrong("file", error.message) from error
    try:
        file, base = form.get("file"), form.get("base_class_id") or form.get("baseClassId")
        if not isinstance(file, UploadFile):
            raise _wrong("file", "There is no file in the form.")
        try:
            base_id = UUID(base) if isinstance(base, str) else uuid4()
        except ValueError as error:
            raise _wrong("base_class_id", "It is not a UUID.") from error
        content = await file.read()
        if not content:
            raise InvalidRequest("The file is empty.", hint="Send the document's content.")
        refuse_foreign(file.filename or "", content)
        added = await ours.library.add(
            base_id, file.filename or "", content, content_type=file.content_type, replace=is_staff(principal)
        )
    finally:
        await form.close()
    program.intake.wake()
    return _added(added)


@router.post("/url", status_code=202, summary="Add a document from the web", responses=responses(404, 409))
async def add_url(link: Link, principal: Caller, ours: Ours, program: Program) -> Added:
    """Fetch a document over http(s) in the background, from public addresses only, and read it."""
    url = str(link.url)
    await program.fetcher.check(url)
    name = link.name or program.fetcher.name_of(url)
    added = await ours.library.add(
        link.base_class_id or uuid4(), name, None, source_url=url, replace=is_staff(principal)
    )
    program.intake.wake()
    return _added(added)


@router.get("/documents", summary="The documents of a knowledge base", responses=responses(404))
async def documents(ours: Ours, base_class_id: Annotated[UUID, Query()]) -> Documents:
    """List the documents by name, with how far the reading is."""
    found = await ours.documents(base_class_id)
    done = sum(1 for each in found if each.status in ("completed", "error"))
    return Documents(
        documents=[Document.model_validate(each) for each in found],
        progress=ReadingProgress(done=done, total=len(found)),
    )


@router.delete(
    "/documents/{documentId:uuid}", summary="Forget a document", responses=responses(404), dependencies=[Staff]
)
async def remove(documentId: UUID, ours: Ours) -> Done:  # noqa: N803 - as the other ids
    """Delete a document with its passages; courses that cite it stay as they are."""
    await ours.library.remove(documentId)
    return Done(message="The document is deleted.")


@router.post("/search", summary="Passages that answer a question", responses=responses(404))
async def search(question: Question, ours: Ours) -> Found:
    """Search by words and, where an embedder is configured, by meaning; best first, with what matched marked."""
    hits = await ours.search(question.base_class_id, question.query, limit=question.limit)
    ids = {each.name: each.id for each in await ours.library.documents(question.base_class_id)} if hits else {}
    return Found(
        results=[
            FoundPassage(
                document_id=ids[hit.passage.document],
                document=hit.passage.document,
                title=hit.passage.title,
                chunk_id=hit.passage.id,
                heading_path=list(hit.passage.heading_path),
                page=hit.passage.page,
                time_code=hit.passage.time_code,
                text=hit.passage.text,
                score=hit.score,
                highlight=Highlight(
                    text=hit.snippet.text, start=hit.snippet.start, matches=[list(each) for each in hit.snippet.matches]
                ),
            )
            for hit in hits
            if hit.passage.document in ids
        ]
    )


@router.get("/source-context", summary="A passage where it stands", responses=responses(404))
async def source_context(
    ours: Ours,
    document_id: Annotated[UUID, Query(alias="documentId")],
    chunk_id: Annotated[str, Query(alias="chunkId", min_length=1, max_length=200, pattern=r"^[^\x00]+$")],
) -> SourceContext:
    """Return a passage with the ones before and after it."""
    found = await ours.library.context(document_id, chunk_id)
    return SourceContext(
        document_id=found.document_id,
        document=found.document,
        title=found.title,
        chunk_id=found.passage_id,
        heading_path=found.heading_path,
        page=found.page,
        time_code=found.time_code,
        text=found.text,
        language=found.language,
        before=found.before,
        after=found.after,
    )


@router.delete("/{baseClassId:uuid}", summary="Forget a knowledge base", responses=responses(404), dependencies=[Staff])
async def forget(baseClassId: UUID, ours: Ours) -> Done:  # noqa: N803
    """Delete a knowledge base: its documents, its jobs and their courses."""
    await ours.library.forget(baseClassId)
    return Done(message="The knowledge base is deleted, with its jobs and courses.")


def _added(document: LibraryDocument) -> Added:
    return Added(
        document_id=document.id,
        base_class_id=document.knowledge_base_id,
        status=document.status,
        document=Document.model_validate(document),
    )


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


__all__ = ["router"]
