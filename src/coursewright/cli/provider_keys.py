"""`provider-keys`: keys of model providers that the database keeps, encrypted, also for single organisations."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.text import Text

from coursewright.cli.console import count, print_json, print_rows, say, stderr
from coursewright.cli.help import Command, Group
from coursewright.cli.names import listed, whole
from coursewright.cli.options import DataDir, Json, open_coursewright, settings

if TYPE_CHECKING:
    from coursewright.llm.keys import ProviderKey
    from coursewright.settings import Settings

group = typer.Typer(
    cls=Group, no_args_is_help=True, help="Keep keys of model providers, encrypted, for single organisations too."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    group.command(
        cls=Command,
        epilog="""\
coursewright provider-keys add openai --organisation 6f0d3c1e-8a57-5d7e-9b86-1f4b7e0c5a11
pass show openai | coursewright provider-keys add openai --name "from November"  # for all who have none""",
    )(add)
    group.command(name="list", cls=Command, epilog="coursewright provider-keys list")(list_keys)
    group.command(cls=Command, epilog="coursewright provider-keys revoke 3f1c")(revoke)
    group.command(cls=Command, epilog="export COURSEWRIGHT_MASTER_KEYS=$(coursewright provider-keys master)")(master)
    group.command(
        cls=Command, epilog="COURSEWRIGHT_MASTER_KEYS=NEW,OLD coursewright provider-keys rotate  # then drop OLD"
    )(rotate)
    app.add_typer(group, name="provider-keys", rich_help_panel="Look after models")


def add(
    provider: Annotated[str, typer.Argument(help="openai, anthropic or compatible.", metavar="PROVIDER")],
    organisation: Annotated[
        UUID | None,
        typer.Option(help="Whose key it is. Default: the installation's, for all who have none.", metavar="UUID"),
    ] = None,
    name: Annotated[str, typer.Option(help="What you know it by.", metavar="NAME")] = "",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Put a key in force. It is asked for, or read from standard input; never given as an argument.

    It is used from the next seconds on, before older ones and before that of the environment. Older ones stay in force
    until they are revoked.
    """
    typed = sys.stdin.isatty()
    key = typer.prompt(f"Key of {provider}", hide_input=True, err=True) if typed else sys.stdin.readline()
    asyncio.run(_add(settings(data_dir), provider, key, organisation, name, json=json))


def list_keys(data_dir: DataDir = None, json: Json = False) -> None:
    """List the keys by their fingerprints; the keys themselves are never shown."""
    asyncio.run(_list(settings(data_dir), json=json))


def revoke(
    key: Annotated[
        str,
        typer.Argument(
            help="A key's id, or its first characters; `coursewright provider-keys list` shows it.", metavar="KEY"
        ),
    ],
    data_dir: DataDir = None,
) -> None:
    """End a key and forget it. Processes that run stop using it within seconds."""
    asyncio.run(_revoke(settings(data_dir), key))


def master() -> None:
    """Print a new master key. Keep it apart from the database: whoever has both has the providers' keys."""
    from coursewright.llm.keys import new_master_key

    sys.stdout.write(f"{new_master_key()}\n")


def rotate(data_dir: DataDir = None) -> None:
    """Encrypt all keys with the first of several master keys; then the others can be dropped."""
    asyncio.run(_rotate(settings(data_dir)))


async def _add(
    configured: Settings, provider: str, key: str, organisation: UUID | None, name: str, *, json: bool
) -> None:
    from pydantic import SecretStr

    async with open_coursewright(configured) as program:
        added = await program.providers.keys.add(provider, SecretStr(key), organisation, name)
    if json:
        print_json(_brief(added))
        return
    whose = f"organisation {organisation}" if organisation else "all organisations without one of their own"
    say("✓", f"The {provider} key {added.fingerprint} is in force for {whose}.")


async def _list(configured: Settings, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        found = await program.providers.keys.all()
    if json:
        print_json([_brief(each) for each in found])
        return
    if not found:
        stderr.print("No keys are kept here; those of the environment are used. `provider-keys add` adds one.")
        return
    print_rows(
        ("Id", "Provider", "Fingerprint", "State", "Organisation", "Name"),
        (
            (
                listed(each.id),
                each.provider,
                each.fingerprint,
                _shown(each),
                _owner(each),
                each.name,
            )
            for each in found
        ),
    )


async def _revoke(configured: Settings, key: str) -> None:
    async with open_coursewright(configured) as program:
        key_id = whole(key, [each.id for each in await program.providers.keys.all()], "coursewright provider-keys list")
        await program.providers.keys.revoke(key_id)
    say("✓", f"Revoked {key_id}. Revoke it at the provider, too.")


async def _rotate(configured: Settings) -> None:
    async with open_coursewright(configured) as program:
        changed = await program.providers.keys.encrypt_anew()
    say("✓", f"Encrypted {count(changed, 'key')} with the first master key.")


def _state(key: ProviderKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "refused" if key.refused_at else "in force"


def _shown(key: ProviderKey) -> Text:
    return Text(_state(key), "dim" if key.revoked_at else "yellow" if key.refused_at else "")


def _owner(key: ProviderKey) -> str:
    return "all" if key.organisation_id is None else str(key.organisation_id)


def _brief(key: ProviderKey) -> dict[str, object]:
    def text(value: UUID | datetime | None) -> str | None:
        return None if value is None else value.isoformat() if isinstance(value, datetime) else str(value)

    return {
        "id": text(key.id),
        "provider": key.provider,
        "fingerprint": key.fingerprint,
        "state": _state(key),
        "organisation": text(key.organisation_id),
        "name": key.name,
        "created_at": text(key.created_at),
        "refused_at": text(key.refused_at),
        "revoked_at": text(key.revoked_at),
    }


__all__ = ["register"]
