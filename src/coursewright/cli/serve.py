"""`serve`: the HTTP service with a worker in the same process."""

import asyncio
from typing import Annotated

import typer

from coursewright.cli.help import Command
from coursewright.cli.observed import observed
from coursewright.cli.options import Concurrency, DataDir, settings


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel="Run and check the program",
        epilog="""\
coursewright serve  # API, documentation, metrics and one worker
DATABASE_URL=postgresql://… coursewright serve --host 0.0.0.0 --workers 0  # the API alone""",
    )(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address. Default: 127.0.0.1.", metavar="ADDRESS")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one. Default: 8000.", min=0, max=65535, metavar="N")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Workers in this process; 0: they run elsewhere. Default: 1.", min=0, max=1, metavar="N")
    ] = 1,
    concurrency: Concurrency = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the HTTP API with its documentation and metrics, and work on what is asked for.

    Without keys it listens on this machine only, and whoever reaches it there acts as its owner.
    """
    from coursewright.api.serving import serve as run

    configured = settings(data_dir, concurrency)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    configured = configured.model_copy(update={"api": configured.api.model_copy(update=given)})

    with observed(configured) as tell:

        def on_ready(where: str) -> None:
            tell("→", f"Serving {where}, documentation at {where}/docs. Ctrl-C stops it.")
            if not workers:
                tell("→", "Without a worker: `coursewright worker` carries out what is asked for.")

        asyncio.run(run(configured, with_worker=workers > 0, on_ready=on_ready))


__all__ = ["register"]
