"""Puts the commands together and turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import stat
import sys
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from coursewright import __version__
from coursewright.cli import (
    backup,
    calls,
    estimate,
    evaluate,
    generate,
    jobs,
    keys,
    provider_keys,
    search,
    serve,
    system,
    tick,
    worker,
)
from coursewright.cli.console import say
from coursewright.cli.exits import EXIT_CODES, show, show_foreign, show_usage
from coursewright.cli.help import Group
from coursewright.errors import CoursewrightError, OutputError

if TYPE_CHECKING:
    from coursewright.observing.redact import Redaction

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Turn a folder of documents into a finished, cited online course.",
    epilog="""\
coursewright demo  # a course from the example handbook: no key, no network
coursewright generate docs/ --title "Running Debian"  # a course from your documents
coursewright resume JOB  # go on after Ctrl-C or a crash""",
)
generate.register(app)
estimate.register(app)
search.register(app)
jobs.register(app)
calls.register(app)
provider_keys.register(app)
evaluate.register(app)
serve.register(app)
worker.register(app)
system.register(app)
tick.register(app)
keys.register(app)
backup.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"coursewright {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what happens inside to standard error.", metavar="")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.", metavar="")
    ] = False,
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_redact)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        handlers=[handler],
        format="%(levelname)s %(name)s: %(message)s",
    )
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _redact(record: logging.LogRecord) -> bool:
    """Take the secrets out of a record."""
    return _redaction().filter(record)


@cache
def _redaction() -> Redaction:
    """Made when there is a record: most commands log nothing."""
    from coursewright.observing.redact import Redaction, secrets_in
    from coursewright.settings import Settings

    try:
        return Redaction(secrets_in(Settings()))
    except ValueError:  # settings that are not valid; the command says so
        return Redaction()


def main() -> None:
    """Run the command line and exit: 0, or the code of what went wrong."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115 - `>&-` closes them
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows ?, and is no reason to stop
    for sent in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sent, _as_interrupt)
    try:
        code = app(standalone_mode=False)
        if code == EXIT_CODES["interrupted"]:  # Typer turns Ctrl-C into this number and says nothing
            say("!", "Stopped.")
        sys.stdout.flush()  # an error there is told, too
    except CoursewrightError as error:
        code = show(error)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - what could not be written is not tried again at the end
        hint = "Free some space and run the command again. What is finished is kept."
        code = show(OutputError(f"{error.filename or 'The output'} cannot be written: {error.strerror}.", hint=hint))
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        code = show_usage(
            error.format_message().replace("Value error, ", ""), context.command_path if context else "coursewright"
        )
    except (KeyboardInterrupt, typer.Abort):
        say("!", "Stopped.")
        code = EXIT_CODES["interrupted"]
    except Exception as error:
        code = show_foreign(error)
    sys.exit(code)


def _as_interrupt(sent: int, frame: FrameType | None) -> None:
    """Stop as after Ctrl-C: leases are given back, so that the next process need not wait for them."""
    if sent == signal.SIGHUP:
        _forget_terminal()
    os.kill(os.getpid(), signal.SIGINT)


def _forget_terminal() -> None:
    """Write nowhere what would go to a terminal that is closed: each write would be an error."""
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


__all__ = ["app", "main"]
