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

from coursewright.cli.console import count, duration, print_json, say, stderr, stdout
from coursewright.cli.help import Command
from coursewright.cli.options import DataDir, JobId, Json, find, open_coursewright, settings

if TYPE_CHECKING:
    from coursewright.llm.ledger import CallRecord, Spend
    from coursewright.llm.limits import ModelState
    from coursewright.llm.prices import Price
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


def models(json: Json = False, data_dir: DataDir = None) -> None:
    """Show how the models fare that were called: limits, prices, calls in flight, breaker."""
    asyncio.run(_models(settings(data_dir), json=json))


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
        found = await program.ledger.calls(job.id)
        spend = await program.ledger.spent_by_job(job.id)
    if json:
        print_json({"job": str(job.id), "spent": _money(spend), "calls": [_record(call) for call in found]})
        return
    if not found:
        stderr.print(f"Job {str(job.id)[:8]} asked no model: nothing was spent.")
        return
    if not stdout.is_terminal:
        for call in found:
            sys.stdout.write("\t".join(_cells(call, model=True, inputs=True, rest=True)) + "\n")
        return
    _tell_sums(found, spend)
    stdout.print(_table(found, stdout.width))


def _tell_sums(found: Sequence[CallRecord], spend: Spend) -> None:
    cap = f" of {spend.cap:.2f}" if spend.cap is not None else ""
    stdout.print(f"  [dim]spent[/]     {_number(spend.settled)}{cap} dollars", soft_wrap=True)
    if spend.suspected:
        stdout.print(f"  [dim]perhaps[/]   {_number(spend.suspected)} more, billed without a reply", soft_wrap=True)
    if spend.reserved:
        stdout.print(f"  [dim]in flight[/] {_number(spend.reserved)} at most", soft_wrap=True)
    parts = [count(len(found), "call")]
    for state, words in (("rejected", "rejected"), ("submitting", "in flight"), ("submitted", "in flight")):
        if number := sum(call.state == state for call in found):
            parts.append(f"{number:,} {words}")
    if saved := sum(call.saved for call in found):
        parts.append(f"{saved:,} answered before, for nothing")
    if repeated := sum(max(0, call.sends - 1) for call in found):
        parts.append(count(repeated, "repeat"))
    stdout.print(f"  [dim]calls[/]     {', '.join(parts)}", soft_wrap=True)
    tokens = f"{sum(call.input_tokens for call in found):,} in"
    if cached := sum(call.cached_tokens for call in found):
        tokens += f" ({cached:,} cached)"
    tokens += f", {sum(call.output_tokens for call in found):,} out"
    if reasoning := sum(call.reasoning_tokens for call in found):
        tokens += f" ({reasoning:,} reasoning)"
    stdout.print(f"  [dim]tokens[/]    {tokens}", soft_wrap=True)
    for model in dict.fromkeys(call.model for call in found):
        answered = dict.fromkeys(call.model_answered for call in found if call.model == model and call.model_answered)
        others = [name for name in answered if name != model.partition(":")[2]]
        text = f"{model} (answered by {', '.join(others)})" if others else model
        stdout.print(f"  [dim]model[/]     {escape(text)}", soft_wrap=True)
    stdout.print()


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
    return call.state + mode + (f" ×{call.sends}" if call.sends > 1 else "")


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


async def _models(configured: Settings, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        found = await program.model_states()
        prices = {state.model: program.prices.find(state.model) for state in found}
    if json:
        print_json([_model(state, prices[state.model]) for state in found])
        return
    if not found:
        stderr.print("No model was called yet. The author `extractive` needs none.")
        return
    for state in found:
        _tell_model(state, prices[state.model])


def _tell_model(state: ModelState, price: Price | None) -> None:
    stdout.print(f"[bold]{escape(state.model)}[/]  [dim]key {state.fingerprint}[/]", soft_wrap=True)
    rates = []
    if state.requests_rate is not None:
        rates.append(f"{state.requests_rate:,.0f} requests")
    if state.tokens_rate is not None:
        rates.append(f"{state.tokens_rate:,.0f} tokens")
    text = f"{' and '.join(rates)} a minute" if rates else "not known; learned from headers and refusals"
    if state.refused:
        text += f"; refused {count(state.refused, 'time')}"
    stdout.print(f"  [dim]limit[/]     {text}", soft_wrap=True)
    stdout.print(f"  [dim]calls[/]     {state.in_flight} in flight, {state.waiting} in line", soft_wrap=True)
    stdout.print(f"  [dim]price[/]     {_price(price)}", soft_wrap=True)
    if state.breaker != "closed":
        when = f" until {state.reopen_at.astimezone():%H:%M:%S}" if state.reopen_at else ""
        say("!", f"fails too often ({state.last_error}): breaker {state.breaker.replace('_', ' ')}{when}", to=stdout)


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


def _model(state: ModelState, price: Price | None) -> dict[str, Any]:
    return asdict(state) | {"price": None if price is None else price.to_json()}


__all__ = ["register"]
