"""What models were asked, what it cost, and what is kept of it: `calls`, `models`, `prune`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from coursewright.cli.console import count, duration, print_json, say, stderr, stdout, tell
from coursewright.cli.help import Command
from coursewright.cli.options import BaseUrl, DataDir, JobId, Json, find, open_coursewright, settings, with_model

if TYPE_CHECKING:
    from uuid import UUID

    from coursewright.app import Coursewright
    from coursewright.llm.ledger import CallRecord, Spend
    from coursewright.llm.model import Abilities
    from coursewright.llm.prices import Price
    from coursewright.models import KnownModel
    from coursewright.settings import Settings

_PANEL = "Look after models"
_WIDE = 90  # columns
_NARROW = 64
_COLOURS = {"accepted": "green", "rejected": "yellow", "open": "yellow", "closed": "green", "half_open": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright calls 3f1c
coursewright calls 3f1c --json | jq '.spent'  # for programs: dollars, and every call""",
    )(calls)
    app.command(cls=Command, rich_help_panel=_PANEL, epilog="coursewright models")(models)
    app.command(cls=Command, rich_help_panel=_PANEL, epilog="coursewright prune --unused 7")(prune)


def calls(job: JobId, json: Json = False, data_dir: DataDir = None) -> None:
    """Show what a job asked of models, and what it cost.

    Every request is on record, also those that failed. "Perhaps billed" are requests that left and whose reply never
    came; their most is counted until a bill says otherwise.
    """
    asyncio.run(_calls(settings(data_dir), job, json=json))


def models(
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe", help="Do not ask each whether it answers; asking costs nothing.", metavar=""
        ),
    ] = True,
    base_url: BaseUrl = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show the models: what each is for, whether it answers, what it can do, limits, prices, breaker."""
    asyncio.run(_models(with_model(settings(data_dir), None, base_url, None), probe=probe, json=json))


def prune(
    unused: Annotated[
        float | None,
        typer.Option(help="Days without use, at least 1. Default: as configured (30).", metavar="DAYS", min=1),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Delete prompts and replies that were kept long enough; what they cost stays on record.

    Workers do this once an hour. A deleted reply would have to be paid for again.
    """
    asyncio.run(_prune(settings(data_dir), unused, json=json))


async def _prune(configured: Settings, unused: float | None, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        deleted = await program.replies.prune(unused)
    if json:
        print_json({"deleted": deleted})
    else:
        say("✓", f"Deleted {count(deleted, 'prompt')} with what was answered; the ledger keeps what they cost.")


async def _calls(configured: Settings, name: str, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        job = await find(program, name)
        found, spend, guess = await ledger_of(program, job.id)
    if json:
        estimate = None if guess is None else [float(each) for each in guess]
        sums = {"job": str(job.id), "spent": _money(spend), "estimate": estimate}
        print_json(sums | {"calls": [_record(call) for call in found]})
        return
    if not found:
        stderr.print(f"Job {str(job.id)[:8]} asked no model: nothing was spent.")
        return
    if not stdout.is_terminal:
        for call in found:
            sys.stdout.write("\t".join(_cells(call, model=True, inputs=True, rest=True)) + "\n")
        return
    for label, text in ledger_sums(found, spend, guess):
        _row(label, escape(text))
    stdout.print()
    stdout.print(_table(found, stdout.width))


async def ledger_of(
    program: Coursewright, job_id: UUID
) -> tuple[list[CallRecord], Spend, tuple[Decimal, Decimal] | None]:
    """Return the calls of a job, what it spent, and what was estimated, in dollars."""
    found = await program.ledger.calls(job_id)
    spend = await program.ledger.spent_by_job(job_id)
    told = await program.authors.estimates.of_job(job_id)
    guess = None if told is None or told.dollars_high is None else (told.dollars_low or Decimal(0), told.dollars_high)
    return found, spend, guess


def ledger_sums(
    found: Sequence[CallRecord], spend: Spend, guess: tuple[Decimal, Decimal] | None
) -> list[tuple[str, str]]:
    """Sum up a job's ledger, as labels and texts."""
    cap = f" of {spend.cap:.2f}" if spend.cap is not None else ""
    rows = [("spent", f"{_number(spend.settled)}{cap} dollars")]
    if guess is not None:
        rows.append(("estimate", f"{_number(guess[0])} to {_number(guess[1])} dollars"))
    if spend.suspected:
        rows.append(("perhaps", f"{_number(spend.suspected)} more, billed without a reply"))
    if spend.reserved:
        rows.append(("in flight", f"{_number(spend.reserved)} at most"))
    parts = [count(len(found), "call")]
    for state, words in (("rejected", "rejected"), ("submitting", "in flight"), ("submitted", "in flight")):
        if number := sum(call.state == state for call in found):
            parts.append(f"{number:,} {words}")
    if saved := sum(call.saved for call in found):
        parts.append(f"{saved:,} answered before, for nothing")
    if repeated := sum(max(0, call.sends - 1) for call in found):
        parts.append(count(repeated, "repeat"))
    rows.append(("calls", ", ".join(parts)))
    tokens = f"{sum(call.input_tokens for call in found):,} in"
    if cached := sum(call.cached_tokens for call in found):
        tokens += f" ({cached:,} cached)"
    tokens += f", {sum(call.output_tokens for call in found):,} out"
    if reasoning := sum(call.reasoning_tokens for call in found):
        tokens += f" ({reasoning:,} reasoning)"
    rows.append(("tokens", tokens))
    for model in dict.fromkeys(call.model for call in found):
        answered = dict.fromkeys(call.model_answered for call in found if call.model == model and call.model_answered)
        others = [name for name in answered if name != model.partition(":")[2]]
        rows.append(("model", f"{model} (answered by {', '.join(others)})" if others else model))
    return rows


def _table(found: Sequence[CallRecord], width: int) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("For", no_wrap=True, overflow="ellipsis")
    table.add_column("State", no_wrap=True)
    several = width >= _WIDE and len({call.model for call in found}) > 1
    if several:
        table.add_column("Model", no_wrap=True, overflow="ellipsis")
    if width >= _WIDE:
        table.add_column("In", justify="right", no_wrap=True)
        table.add_column("Cached", justify="right", no_wrap=True)
    if width >= _NARROW:
        table.add_column("Out", justify="right", no_wrap=True)
        table.add_column("Time", justify="right", no_wrap=True)
    table.add_column("Dollars", justify="right", no_wrap=True)
    for call in found:
        cells = [escape(cell) for cell in _cells(call, model=several, inputs=width >= _WIDE, rest=width >= _NARROW)]
        cells[1] = f"[{_COLOURS.get(call.state, 'default')}]{cells[1]}[/]"
        table.add_row(*cells)
    return table


def _cells(call: CallRecord, *, model: bool, inputs: bool, rest: bool) -> list[str]:
    turn = f", turn {call.turn + 1}" if call.turn else ""
    cells = [call.kind.replace("_", " ") + turn, _state(call)]
    cells += [call.model] if model else []
    cells += [f"{call.input_tokens:,}", f"{call.cached_tokens:,}"] if inputs else []
    cells += [f"{call.output_tokens:,}", _time(call.seconds)] if rest else []
    return [*cells, _cost(call)]


def _state(call: CallRecord) -> str:
    if call.saved:
        return "stored"
    mode = f" {call.mode}" if call.mode in ("batch", "flex") else ""
    state = ("no reply" if call.sends else "waiting") if call.state == "open" else call.state
    return state + mode + (f" ×{call.sends}" if call.sends > 1 else "")


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def _cost(call: CallRecord) -> str:
    if call.saved:
        return "0"
    if call.cost is None:
        return "unknown" if call.state in ("answered", "accepted", "rejected") else ""
    return f"{call.cost:.6f}"


async def _models(configured: Settings, *, probe: bool, json: bool) -> None:
    from coursewright.app import LOCAL_ORGANISATION
    from coursewright.llm.limits import model_states
    from coursewright.models import configured_models, known_models

    async with open_coursewright(configured) as program:
        found = await known_models(
            configured_models(configured.providers, program.authors),
            await model_states(program.pool),
            program.providers,
            program.prices,
            configured.gateway,
            LOCAL_ORGANISATION,
            probe=probe,
        )
    if json:
        print_json([_model(each) for each in found])
        return
    if not found:
        stderr.print("No model is configured, and none was called. The author `extractive` needs none.")
        tell("Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one: --model compatible:NAME --base-url URL.")
        return
    for each in found:
        _tell_model(each)


def _tell_model(known: KnownModel) -> None:
    state = known.state
    key = f"  [dim]key {state.fingerprint}[/]" if state else ""
    stdout.print(f"[bold]{escape(known.model)}[/]{key}", soft_wrap=True)
    _row("for", ", ".join(known.used_for) or "nothing now; it was called before")
    if known.reachable is not None:
        _row("answers", "yes" if known.reachable else f"[red]no[/]: {escape(known.why)}")
    elif known.why:
        _row("answers", escape(known.why))
    if known.abilities is not None:
        _row("can", _abilities(known.abilities))
        sizes = known.abilities.context_window, known.abilities.largest_output
        _row("size", f"reads {sizes[0]:,} tokens, writes {sizes[1]:,}")
    _row("limit", _limit(known))
    if state is not None:
        _row("calls", f"{state.in_flight} in flight, {state.waiting} in line")
    _row("price", _price(known.price))
    if state is not None and state.breaker != "closed":
        when = f" until {state.reopen_at.astimezone():%H:%M:%S}" if state.reopen_at else ""
        say("!", f"fails too often ({state.last_error}): breaker {state.breaker.replace('_', ' ')}{when}", to=stdout)
    else:
        _row("breaker", "closed")


def _row(name: str, text: str) -> None:
    stdout.print(f"  [dim]{name:<9}[/] {text}", soft_wrap=True)


def _abilities(abilities: Abilities) -> str:
    schema = {"strict": "answers in a schema", "loose": "answers in a schema, loosely", "none": "no schemas"}
    can = [schema[abilities.json_schema]]
    can += [
        name.replace("_", " ")
        for name in ("background", "batch", "prompt_cache", "temperature", "seed")
        if getattr(abilities, name)
    ]
    can += ["reasoning"] if abilities.reasoning else []
    return ", ".join(can)


def _limit(known: KnownModel) -> str:
    state = known.state
    requests = state.requests_rate if state else known.limits.requests
    tokens = state.tokens_rate if state else known.limits.tokens
    rates = [f"{rate:,.0f} {what}" for rate, what in ((requests, "requests"), (tokens, "tokens")) if rate is not None]
    text = f"{' and '.join(rates)} a minute" if rates else "not known; learned from headers and refusals"
    return f"{text}; refused {count(state.refused, 'time')}" if state and state.refused else text


def _price(price: Price | None) -> str:
    if price is None:
        return "not known: a budget is refused unless one is set"
    rates = price.tiers[0][1]
    more = "; more for long prompts" if len(price.tiers) > 1 else ""
    return (
        f"{_plain(rates.input)} in, {_plain(rates.cached)} cached, {_plain(rates.output)} out, "
        f"dollars a million tokens{more} ({price.source})"
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _number(dollars: Decimal) -> str:
    return f"{dollars:.2f}" if dollars == 0 or dollars >= 1 else f"{dollars:.4f}"


def _money(spend: Spend) -> dict[str, float | None]:
    return {name: None if value is None else float(value) for name, value in asdict(spend).items()}


def _record(call: CallRecord) -> dict[str, Any]:
    numbers = {"cost", "reserved", "suspected", "multiplier"}
    return {
        name: float(value) if name in numbers and value is not None else value for name, value in asdict(call).items()
    }


def _model(known: KnownModel) -> dict[str, Any]:
    told = asdict(known) | {"price": None if known.price is None else known.price.to_json()}
    return told | {"limits": known.limits.model_dump()}


__all__ = ["ledger_of", "ledger_sums", "register"]
