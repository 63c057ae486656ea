"""`keys`: who may use the HTTP API."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer
from rich.text import Text

from coursewright.cli.console import print_json, print_rows, say, stderr
from coursewright.cli.help import Command, Group
from coursewright.cli.names import listed, whole
from coursewright.cli.options import DataDir, Json, open_coursewright, settings
from coursewright.errors import InvalidRequest

if TYPE_CHECKING:
    from coursewright.access import ApiKey
    from coursewright.settings import Settings

group = typer.Typer(cls=Group, no_args_is_help=True, help="Make, list and revoke keys of the HTTP API.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    group.command(
        cls=Command,
        epilog="""\
coursewright keys create "front end"
coursewright keys create "school" --organisation 6f0d3c1e-8a57-5d7e-9b86-1f4b7e0c5a11 --role teacher""",
    )(create)
    group.command(name="list", cls=Command, epilog="coursewright keys list")(list_keys)
    group.command(cls=Command, epilog="coursewright keys revoke 3f1c")(revoke)
    app.add_typer(group, name="keys", rich_help_panel="Run and check the program")


def create(
    name: Annotated[str, typer.Argument(help="What the key is for.", metavar="NAME")] = "key",
    organisation: Annotated[
        UUID | None,
        typer.Option(
            help="Organisation. Default: the one of this machine; beside an application's tables there is none.",
            metavar="UUID",
        ),
    ] = None,
    user: Annotated[
        UUID | None,
        typer.Option(help="User. Default: a new one; beside an application's tables there is none.", metavar="UUID"),
    ] = None,
    role: Annotated[
        str,
        typer.Option(help="student, teacher, admin or super_admin. Default: admin.", metavar="ROLE"),
    ] = "admin",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a key and print it: the only time that it is shown."""
    asyncio.run(_create(name, organisation, user, role, settings(data_dir), json=json))


def list_keys(data_dir: DataDir = None, json: Json = False) -> None:
    """List the keys; the keys themselves are not kept."""
    asyncio.run(_list(settings(data_dir), json=json))


def revoke(
    key: Annotated[
        str,
        typer.Argument(help="A key's id, or its first characters; `coursewright keys list` shows it.", metavar="KEY"),
    ],
    data_dir: DataDir = None,
) -> None:
    """End a key; requests with it are refused from now on."""
    asyncio.run(_revoke(key, settings(data_dir)))


async def _create(
    name: str, organisation: UUID | None, user: UUID | None, role: str, configured: Settings, *, json: bool
) -> None:
    from coursewright.app import LOCAL_ORGANISATION

    async with open_coursewright(configured) as program:
        if not (organisation and user) and await program.keys.beside_application():
            raise InvalidRequest(
                "Beside an application a key acts for one of its users, in one of its organisations.",
                hint="Name both: --user (of auth.users) and --organisation (as the application has it).",
            )
        key, made = await program.keys.create(name, organisation or LOCAL_ORGANISATION, user or uuid4(), role)
    if json:
        print_json({"key": key} | _brief(made))
        return
    say("✓", f"Key “{name}” for organisation {made.organisation_id}, role {role}. It is shown only now:")
    sys.stdout.write(f"{key}\n")


async def _list(configured: Settings, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        found = await program.keys.all()
    if json:
        print_json([_brief(each) for each in found])
        return
    if not found:
        stderr.print("No keys yet. `coursewright keys create` makes one.")
        return
    print_rows(
        ("Id", "Begins", "State", "Role", "Organisation", "Name"),
        (
            (
                listed(each.id),
                f"{each.prefix}…",
                _state(each),
                each.role,
                str(each.organisation_id),
                each.name,
            )
            for each in found
        ),
    )


async def _revoke(key: str, configured: Settings) -> None:
    async with open_coursewright(configured) as program:
        key_id = whole(key, [each.id for each in await program.keys.all()], "coursewright keys list")
        await program.keys.revoke(key_id)
    say("✓", f"Revoked {key_id}")


def _state(key: ApiKey) -> str | Text:
    return Text("revoked", "dim") if key.revoked_at else "in force"


def _brief(key: ApiKey) -> dict[str, object]:
    return {
        "id": str(key.id),
        "prefix": key.prefix,
        "name": key.name,
        "organisation": str(key.organisation_id),
        "user": str(key.user_id),
        "role": key.role,
        "created_at": key.created_at.isoformat(),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


__all__ = ["register"]
