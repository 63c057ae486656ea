"""How `--help` looks: what it is for, examples first, then options in columns; one column where the screen is narrow.

The parts come from the commands themselves: the docstring, `epilog` (an example a line, what it does after `#`), and
`rich_help_panel` for the group of an option or a command. The generated reference reads the same parts.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from coursewright.cli.console import stdout

Rows = list[tuple[str, str]]
_NARROW = 60
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_WIDEST = 100


class Command(TyperCommand):
    """A command whose help teaches by example."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        words = [ctx.command_path, *self._usage(), "[OPTIONS]"]
        parts = [("Usage", escape(" ".join(words))), ("Examples", examples(self.epilog))]
        tables = [*option_groups(self)]
        formatter.write(_page(self.help or "", parts, tables))

    def _usage(self) -> Iterator[str]:
        for param in self.params:
            if param.param_type_name == "argument":
                name = str(param.metavar or param.name.upper())
                yield name if param.required else f"[{name}]"


class Group(TyperGroup):
    """The program itself: its commands in groups."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        parts = [("Usage", escape(f"{ctx.command_path} COMMAND [OPTIONS]")), ("Examples", examples(self.epilog))]
        tables = [*command_groups(self), *option_groups(self)]
        end = f"[dim]{escape(ctx.command_path)} COMMAND --help shows a command's examples and options.[/]"
        formatter.write(_page(self.help or "", parts, tables, end))


def summary(command: Any) -> str:
    """Return what a command does, in one line."""
    return str(command.help or "").split("\n\n")[0].replace("\n", " ").strip()


def command_groups(group: Any) -> list[tuple[str, Rows]]:
    """Return the commands under the headings of their panels."""
    found: dict[str, Rows] = {}
    for name, command in group.commands.items():
        found.setdefault(command.rich_help_panel or "Commands", []).append((name, summary(command).rstrip(".")))
    return list(found.items())


def option_groups(command: Any) -> list[tuple[str, Rows]]:
    """Return arguments and options under the headings of their panels, those without one last."""
    found: dict[str, Rows] = {}
    for param in command.params:
        panel = "Arguments" if param.param_type_name == "argument" else param.rich_help_panel or "Options"
        found.setdefault(panel, []).append((option_name(param), param.help or ""))
    found.setdefault("Options", []).append(("--help", "Show this page."))
    found["Options"] = found.pop("Options")
    return list(found.items())


def option_name(param: Any) -> str:
    """Return how an argument or option is written: `-o, --out FOLDER`."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    # Of a switch that is on by itself, people need the way to turn it off.
    names = ", ".join(sorted((param.is_flag and param.default and param.secondary_opts) or param.opts, key=len))
    return names if param.is_flag or not param.metavar else f"{names} {param.metavar}"


def examples(epilog: str | None) -> str:
    """Return the examples as lines that can be pasted, with what each does above it in grey."""
    width = min(stdout.width, _WIDEST) - 2
    lines = []
    for line in (epilog or "").strip().splitlines():
        words, _, why = line.partition("  # ")
        lines.append((f"[dim]# {escape(why)}[/]\n" if why else "") + escape(_continued(words.strip(), width)))
    return "\n".join(lines)


def _continued(words: str, width: int) -> str:
    """Cut a command that is longer than a line between its words, as a shell reads it."""
    lines = [""]
    for word in _WORD.findall(words):
        if lines[-1].strip() and len(f"{lines[-1]} {word}") > width - 2:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return " \\\n".join(lines)


def _page(about: str, parts: Sequence[tuple[str, str]], tables: Sequence[tuple[str, Rows]], end: str = "") -> str:
    width = min(stdout.width, _WIDEST)
    paragraphs = [" ".join(each.split()) for each in about.split("\n\n")]
    shown: list[RenderableType] = [escape("\n\n".join(paragraphs))]
    for title, text in parts:
        if text:
            shown += ["", f"[bold]{title}[/]", Padding(text, (0, 0, 0, 2))]
    column = max(len(name) for _, rows in tables for name, _ in rows)
    for title, rows in tables:
        shown += ["", f"[bold]{title}[/]", _rows(rows, column, narrow=width < _NARROW)]
    shown += ["", end] if end else []
    with stdout.capture() as captured:
        stdout.print(Lines(*shown), width=width)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _rows(rows: Rows, column: int, *, narrow: bool) -> RenderableType:
    if narrow:
        stacked = [part for name, text in rows for part in (f"[cyan]{escape(name)}[/]", Padding(text, (0, 0, 0, 4)))]
        return Padding(Lines(*stacked), (0, 0, 0, 2))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=column)
    table.add_column()
    for name, text in rows:
        table.add_row(escape(name), escape(text))
    return Padding(table, (0, 0, 0, 2))


__all__ = ["Command", "Group", "command_groups", "examples", "option_groups", "summary"]
