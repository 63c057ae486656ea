"""Finished courses and their exports: `/api/courses`."""

import asyncio
import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response

from coursewright.api.callers import Ours, OwnCourse
from coursewright.api.problems import responses
from coursewright.api.schemas import Answer, Done
from coursewright.course.model import Course
from coursewright.course.quality import Quality
from coursewright.exporters.export import render
from coursewright.exporters.formats import FORMATS, Format

router = APIRouter(prefix="/api/courses", tags=["courses"], responses=responses(404))

_TYPES = {
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "zip": "application/zip",
}


class CourseAnswer(Answer):
    course: Course
    quality: Quality


@router.get("/{courseId}", summary="A course")
async def course(courseId: UUID, ours: Ours) -> CourseAnswer:  # noqa: N803 - as the other ids
    """Return a finished course and what was measured about it. Its id is that of the job that made it."""
    made, quality = await ours.course(courseId)
    return CourseAnswer(course=made, quality=quality)


@router.get(
    "/{courseId}/export",
    summary="A course as a file",
    response_class=Response,
    responses={
        200: {
            "description": "One file, or a zip of several.",
            "content": {name.partition(";")[0]: {} for name in _TYPES.values()},
        }
    },
)
async def export(
    courseId: UUID,  # noqa: N803
    ours: Ours,
    wanted: Annotated[
        Format, Query(alias="format", description="One of the formats of `coursewright generate --format`.")
    ] = FORMATS[0],
) -> Response:
    """Return the course in a format; one that has several files comes as a zip."""
    made, quality = await ours.course(courseId)
    files = await asyncio.to_thread(render, made, quality, wanted)
    name, content = await asyncio.to_thread(_packed, made.title, wanted, files)
    kind = _TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream")
    return Response(content, media_type=kind, headers={"Content-Disposition": attachment(name)})


@router.delete("/{courseId}", summary="Forget a course", dependencies=[OwnCourse])
async def forget(courseId: UUID, ours: Ours) -> Done:  # noqa: N803
    """Delete a course with the job that made it."""
    await ours.course(courseId)
    await ours.pages.forget(courseId)
    return Done(message="The course and its job are deleted.")


def _packed(title: str, wanted: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    slug = re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:60] or "course"
    if len(files) == 1:
        ((path, content),) = files.items()
        suffix = path.rsplit(".", 1)[-1]
        return f"{slug}-quality.json" if wanted == "quality" else f"{slug}.{suffix}", content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return f"{slug}-{wanted}.zip", packed.getvalue()


def attachment(name: str) -> str:
    """Return the header that names a file; for programs that read ASCII alone, such as `curl -OJ`, ä is a."""
    stem, _, suffix = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rpartition(".")
    plain = f"{stem.strip('-') or 'course'}.{suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


__all__ = ["router"]
