"""The only table from errors to exit codes, and how an error is shown."""

from coursewright.cli.console import say, tell
from coursewright.errors import CoursewrightError, DatabaseUnavailable, Interrupted, UnreadableDocument

# sysexits.h where it has a word for it; 130 is what a shell reports after Ctrl-C.
EXIT_CODES: dict[str, int] = {
    "error": 70,
    "invalid_input": 65,
    "unreadable_document": 65,
    "nothing_to_read": 66,
    "too_few_sources": 65,
    "invalid_request": 64,
    "too_large": 65,
    "unauthenticated": 77,
    "issuer_unavailable": 69,
    "forbidden": 77,
    "limit_reached": 75,
    "not_found": 66,
    "conflict": 75,
    "configuration": 78,
    "database_unavailable": 69,
    "migration": 69,
    "output": 73,
    "subprocess_died": 71,
    "call_failed": 69,
    "rate_limited": 75,
    "overloaded": 69,
    "no_capacity": 69,
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
    """Print which file it is about, what happened and what to do; return the exit code."""
    detail = error.detail
    if isinstance(error, UnreadableDocument) and not detail.startswith(str(error.path)):
        detail = f"{error.path}: {detail}"
    say("!" if isinstance(error, Interrupted) else "✗", detail)
    if error.hint:
        tell(error.hint)
    return EXIT_CODES[error.code]


_AS_JSON = {"tuple_type": 'Write a JSON list: ["…", "…"]', "dict_type": 'Write a JSON object: {"…": "…"}'}


def show_usage(message: str, command: str) -> int:
    """Print what is wrong with a command line and where its help is; return the exit code."""
    say("✗", message)
    tell(f"{command} --help shows how it is used.")
    return EXIT_CODES["invalid_request"]


def show_foreign(error: Exception) -> int:
    """Print an error that Postgres or the check of values has raised, return the exit code; raise any other again."""
    import psycopg
    import pydantic

    from coursewright.db.pool import is_unavailable

    if isinstance(error, pydantic.ValidationError):
        settings = error.title == "Settings"
        for problem in error.errors():
            say("✗", f"{_named(problem['loc'], settings)}: {_AS_JSON.get(problem['type'], problem['msg'])}")
        tell("coursewright config prints the settings in force." if settings else "See coursewright generate --help.")
        return EXIT_CODES["configuration" if settings else "invalid_request"]
    if isinstance(error, psycopg.OperationalError) and is_unavailable(error):
        why = str(error).strip().splitlines()[0]
        hint = "Run the command again; `coursewright doctor` looks at the server. What is finished is kept."
        return show(DatabaseUnavailable(f"The database went away: {why}", hint=hint))
    raise error


def _named(location: tuple[int | str, ...], settings: bool) -> str:
    """Return how a value is given: by a variable of the environment, or by an option."""
    if settings:
        name = "__".join(str(part).upper() for part in location)
        return name if str(location[0]).isupper() else f"COURSEWRIGHT_{name}"  # a well-known name stands for itself
    return "--" + str(location[0]).replace("_", "-") if location else "options"


__all__ = ["EXIT_CODES", "show", "show_foreign", "show_usage"]
