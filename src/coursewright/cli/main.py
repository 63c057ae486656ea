"""Puts the commands together and turns errors into messages and exit codes."""

import logging
import sys

import pydantic
import typer

from coursewright import __version__
from coursewright.cli import generate, jobs, system
from coursewright.cli.console import stderr
from coursewright.cli.exits import EXIT_CODES, show
from coursewright.errors import CoursewrightError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turn a folder of documents into a finished, cited online course.\n\n"
    "[dim]coursewright demo[/]                       a course from the example handbook\n\n"
    "[dim]coursewright generate docs/[/]             a course from your documents\n\n"
    "[dim]coursewright resume JOB[/]                 go on after Ctrl-C or a crash",
)
generate.register(app)
jobs.register(app)
system.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"coursewright {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what happens inside to standard error."),
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )


def main() -> None:
    """Run the command line."""
    try:
        app()
    except CoursewrightError as error:
        sys.exit(show(error))
    except pydantic.ValidationError as error:
        for problem in error.errors():
            stderr.print(f"[bold red]✗[/] {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}")
        sys.exit(EXIT_CODES["invalid_request"])
    except KeyboardInterrupt:
        sys.exit(EXIT_CODES["interrupted"])
