"""For hosts that end a request after some seconds: what a timer or a webhook calls to have the queue looked at."""

import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from coursewright.api.callers import Program
from coursewright.api.problems import as_invalid, responses
from coursewright.api.ticking import is_timer, tick, told
from coursewright.app import CRON_ROUTE, WEBHOOK_ROUTE, Coursewright
from coursewright.doorbells.qstash import verify
from coursewright.errors import NotFound, Unauthenticated
from coursewright.generation.wish import storable

router = APIRouter(tags=["ticks"])


class TickReport(BaseModel):
    """What a tick did."""

    success: bool = True
    processed: int = Field(description="Jobs that it worked on.")
    completed_tasks: int
    remaining: int | None = Field(description="Open tasks and waiting jobs; null: the database did not answer.")


class WebhookReport(TickReport):
    """What a tick did, and how the job that the webhook named fares."""

    status: str = Field(description="The job's status.")


class Webhook(BaseModel):
    """A job to look after; `request` is kept where the job has none."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)

    job_id: UUID
    request: Annotated[dict[str, Any], AfterValidator(storable)] | None = None


@router.get(CRON_ROUTE, summary="Do what fits in the configured time", responses=responses(404))
@router.post(CRON_ROUTE, summary="Do what fits in the configured time", responses=responses(404))
async def process_courses(request: Request, program: Program) -> TickReport:
    """Carry out tasks of all jobs until the time is up or nothing is left; needs `CRON_SECRET` as Bearer.

    Rings for the next tick while work remains.
    """
    began = _began(request)
    _check_secret(request, program)
    return TickReport.model_validate(await tick(program, began))


@router.post(
    WEBHOOK_ROUTE,
    summary="Look after a job (webhook of QStash)",
    responses=responses(404),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": Webhook.model_json_schema()}}}},
)
async def process_course(request: Request, program: Program) -> WebhookReport:
    """Work for as long as the host allows. The request must be signed with a key of `QSTASH_CURRENT_SIGNING_KEY`."""
    began = _began(request)
    body = await request.body()
    settings = program.settings
    if not settings.worker_url:
        raise Unauthenticated(
            "Webhooks need the address that they are signed for, and none is configured.",
            hint="Set WORKER_URL to the public address of this service.",
        )
    keys = (settings.qstash_current_signing_key, settings.qstash_next_signing_key)
    verify(
        request.headers.get("upstash-signature", ""),
        body,
        settings.worker_url.rstrip("/") + WEBHOOK_ROUTE,
        [key.get_secret_value() for key in keys if key],
    )
    try:
        webhook = Webhook.model_validate_json(body)
    except ValidationError as error:
        raise as_invalid(error, "body") from error
    status = await program.take_in(webhook.job_id, webhook.request)
    if status is None:
        raise NotFound(f"There is no job {webhook.job_id}.", hint="Insert the job before the webhook is published.")
    ticked = await program.tick(settings.ticks.budget, began=began)
    if not ticked.rung:  # then this message, delivered again, is the next one
        raise HTTPException(503, "Work is left, and QStash did not take the message for it; send this one again.")
    job = await program.jobs.get(webhook.job_id)
    return WebhookReport.model_validate(told(ticked) | {"status": job.status.value})


def _began(request: Request) -> float:
    """Return when the request reached this process: the host counts from then on."""
    began: float = request.scope.get("began", time.monotonic())
    return began


def _check_secret(request: Request, program: Coursewright) -> None:
    if program.settings.cron_secret is None:
        raise Unauthenticated("Ticks need a secret, and none is configured.", hint="Set CRON_SECRET.")
    if not is_timer(program.settings, request.headers.get("authorization", "")):
        raise Unauthenticated("This needs the secret of CRON_SECRET as Bearer.", hint="Send `Authorization: Bearer …`.")


__all__ = ["router"]
