"""The only table from errors to exit codes, and how an error is shown."""

from rich.markup import escape

from coursewright.cli.console import stderr
from coursewright.errors import CoursewrightError, UnreadableDocument

# sysexits.h where it has a word for it; 130 is what a shell reports after Ctrl-C.
EXIT_CODES: dict[str, int] = {
    "error": 70,
    "invalid_input": 65,
    "unreadable_document": 65,
    "nothing_to_read": 66,
    "too_few_sources": 65,
    "invalid_request": 64,
    "not_found": 66,
    "conflict": 75,
    "configuration": 78,
    "database_unavailable": 69,
    "migration": 69,
    "output": 73,
    "call_failed": 69,
    "rate_limited": 75,
    "overloaded": 69,
    "call_timed_out": 69,
    "connection_lost": 69,
    "reply_lost": 69,
    "request_refused": 65,
    "prompt_too_long": 65,
    "no_usable_reply": 1,
    "needs_action": 78,
    "key_refused": 77,
    "quota_exhausted": 77,
    "unknown_model": 78,
    "budget_reached": 75,
    "price_unknown": 78,
    "needs_worker": 75,
    "job_failed": 1,
    "interrupted": 130,
}


def show(error: CoursewrightError) -> int:
    """Print what happened and what to do; return the exit code."""
    where = f"[dim]{escape(error.path)}[/]: " if isinstance(error, UnreadableDocument) else ""
    detail = error.detail.removeprefix(f"{error.path}: ") if isinstance(error, UnreadableDocument) else error.detail
    stderr.print(f"[bold red]✗[/] {where}{escape(detail)}", soft_wrap=True)
    if error.hint:
        stderr.print(f"  {escape(error.hint)}", soft_wrap=True)
    return EXIT_CODES[error.code]
