"""What a course would cost, before anything is spent: `estimate`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from coursewright.cli.console import count, print_json, stdout
from coursewright.cli.help import Command
from coursewright.cli.options import (
    BaseUrl,
    DataDir,
    Detail,
    Fallback,
    Json,
    Lessons,
    Model,
    Modules,
    PriceOption,
    Sections,
    Urgency,
    document_path,
    open_coursewright,
    settings,
    with_model,
)
from coursewright.cli.progress import Display
from coursewright.cli.report import tell_reading
from coursewright.cli.spending import ModelOptions, quote_rows

if TYPE_CHECKING:
    from coursewright.course.plan import CourseRequest
    from coursewright.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        cls=Command,
        rich_help_panel="Make a course",
        epilog="""\
coursewright estimate docs/ --model openai:gpt-5.4-mini
coursewright estimate docs/ --model openai:gpt-5.4-mini --json | jq '.dollars'  # low and high""",
    )(estimate)


def estimate(
    documents: Annotated[
        list[Path], typer.Argument(help="Files and folders to read.", metavar="DOCUMENTS...", parser=document_path)
    ],
    model: Model = None,
    base_url: BaseUrl = None,
    price: PriceOption = None,
    fallback: Fallback = None,
    urgency: Urgency = "normal",
    detail: Detail = None,
    modules: Modules = None,
    lessons: Lessons = None,
    sections: Sections = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Say what a course by a model would cost: calls, tokens, dollars, minutes.

    Nothing is sent to anybody. The lower figure is for replies that are right at once, the higher for half of them
    twice and, where the model reasons, for as much of that as it has room for.
    """
    from coursewright.course.plan import CourseRequest

    request = CourseRequest.model_validate(
        {
            "author": "llm", "model": model, "detail": detail,
            "modules": modules, "lessons": lessons, "sections": sections,
        }
    )  # fmt: skip
    options = ModelOptions(model, base_url, price, fallbacks=tuple(fallback or ()), urgency=urgency)
    asyncio.run(_estimate(documents, request, options, with_model(settings(data_dir), model, base_url, price), json))


async def _estimate(
    documents: list[Path], request: CourseRequest, options: ModelOptions, configured: Settings, as_json: bool
) -> None:
    with Display() as display:
        async with open_coursewright(configured, on_stage=display.on_stage) as program:
            base = await program.read(documents, on_progress=display.on_reading, on_embedding=display.on_embedding)
            quote = await program.quote(base, request, options.terms())
            display.close()
            tell_reading(base)
    found = quote.estimate
    if as_json:
        dollars = None if found.dollars is None else [float(each) for each in found.dollars]
        print_json(asdict(found) | {"dollars": dollars})
        return
    stdout.print(f"{count(base.documents, 'document')}, {count(base.passages, 'passage')}", soft_wrap=True)
    for name, text in quote_rows(quote, options.terms(), capped=False):
        stdout.print(f"  [dim]{name:<8}[/] {escape(text)}", soft_wrap=True)
    stdout.print()
    for work in found.work:
        size = f"{work.input:,} tokens in, {work.output:,} out each"
        stdout.print(f"  {work.calls:>5,} {work.kind.replace('_', ' '):<20} [dim]{size}[/]", soft_wrap=True)


__all__ = ["register"]
