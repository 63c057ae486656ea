"""`search`: the passages that answer a question, from the documents of the last job or from those named."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from coursewright.cli.console import print_json, say, stdout
from coursewright.cli.help import Command
from coursewright.cli.options import DataDir, Json, document_path, open_coursewright, settings
from coursewright.cli.progress import Display
from coursewright.cli.report import tell_reading
from coursewright.errors import InvalidRequest

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.documents.retrieve import Hit
    from coursewright.documents.snippets import Snippet
    from coursewright.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel="Make a course",
        epilog="""\
coursewright search "How do I calm the bees?"  # in the documents of the newest job
coursewright search "Who maintains a package?" docs/ handbook.pdf --limit 3
coursewright search "wax moth" --json | jq -r '.hits[].passage_id'""",
    )(search)


def search(
    question: Annotated[str, typer.Argument(help="A question or some words, in any language.", metavar="QUESTION")],
    documents: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders. Default: those of the newest job.", metavar="DOCUMENTS...", parser=document_path
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Show at most so many. Default: 5.", metavar="N", min=1, max=100)] = 5,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Find the passages that answer a question.

    By the words of each document's language; by meaning too where an embedder is configured.
    """
    if not question.strip():
        raise InvalidRequest("The question is empty.", hint='coursewright search "How do I calm the bees?"')
    asyncio.run(_search(question, documents or [], limit, settings(data_dir), json=json))


async def _search(question: str, documents: list[Path], limit: int, configured: Settings, *, json: bool) -> None:
    with Display() as display:
        async with open_coursewright(configured, on_stage=display.on_stage) as program:
            hits = await _hits(program, question, documents, limit, display)
    if json:
        print_json({"question": question, "hits": [_plain(hit) for hit in hits]})
        return
    if not hits:
        say("!", "No passage has any of these words. Try others, or fewer.")
    for number, hit in enumerate(hits, 1):
        if number > 1:
            stdout.print()
        _print(number, hit)


async def _hits(program: Coursewright, question: str, documents: list[Path], limit: int, display: Display) -> list[Hit]:
    base = None
    if documents:
        read = await program.read(documents, on_progress=display.on_reading, on_embedding=display.on_embedding)
        tell_reading(read)
        base = read.id
    return await program.search(question, base, limit=limit)


def _print(number: int, hit: Hit) -> None:
    passage = hit.passage
    place = [passage.document]
    if passage.page:
        place.append(f"page {passage.page}")
    if passage.time_code:
        place.append(passage.time_code)
    headings = " › ".join(passage.heading_path) or passage.title
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(style="cyan")
    lines.add_row(str(number), Text(headings, style="bold"))
    lines.add_row("", Text(" · ".join(place), style="dim"))
    lines.add_row("", _shown(hit.snippet, len(passage.text)))
    stdout.print(lines)


def _shown(snippet: Snippet, length: int) -> Text:
    """Return the snippet on one line, its matches bold, with an ellipsis where the passage goes on."""
    shown = Text("… " if snippet.start else "")
    place = 0
    for start, end in (*snippet.matches, (len(snippet.text), len(snippet.text))):
        shown.append(_one_line(snippet.text[place:start]))
        shown.append(_one_line(snippet.text[start:end]), style="bold yellow")
        place = end
    return shown.append(" …") if snippet.start + len(snippet.text) < length else shown


def _one_line(text: str) -> str:
    """Return a part of a text with each run of spaces and line ends as one space."""
    words = " ".join(text.split())
    if not words:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + words + (" " if text[-1].isspace() else "")


def _plain(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "passage_id": passage.id,
        "document": passage.document,
        "title": passage.title,
        "heading_path": list(passage.heading_path),
        "page": passage.page,
        "time_code": passage.time_code,
        "language": passage.language,
        "score": hit.score,
        "lexical_rank": hit.lexical_rank,
        "dense_rank": hit.dense_rank,
        "snippet": {
            "text": hit.snippet.text,
            "start": hit.snippet.start,
            "matches": [list(each) for each in hit.snippet.matches],
        },
    }


__all__ = ["register"]
