"""What providers of models call when a reply or a batch is made."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from coursewright.api.callers import Program
from coursewright.api.problems import responses

router = APIRouter(tags=["webhooks"])


class Taken(BaseModel):
    """What became of a webhook."""

    success: bool = True
    awaited: bool = Field(description="Whether it told of something that was waited for here.")


@router.post(
    "/api/webhooks/openai",
    summary="Take the word of OpenAI that a reply or a batch is made",
    responses=responses(),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def openai(request: Request, program: Program) -> Taken:
    """Fetch and store what has ended, and wake the tasks that wait for it. Signed with `OPENAI_WEBHOOK_SECRET`."""
    ended = program.providers.webhook(await request.body(), request.headers)
    return Taken(awaited=ended is not None and await program.gateway.ended("openai", ended))


__all__ = ["router"]
