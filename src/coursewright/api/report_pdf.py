"""The report on a job as PDF. Apart, because the library that sets it is loaded only when somebody asks."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from coursewright.api.report import Report, Row

_PLAIN, _BOLD = "Vera", "VeraBd"
_EAST_ASIAN = "HeiseiKakuGo-W5"  # a viewer's own font: none is embedded
_GREY = colors.HexColor("#5b6472")


def as_pdf(report: Report) -> bytes:
    """Return a document of a few pages: what was asked for, what came of it, what failed, who did what."""
    _register_fonts()
    job = report.job
    title = str(job["job_data"].get("title") or (job["outline"] or {}).get("title") or "Course")
    parts: list[Any] = [_text(title, 17, bold=True), Spacer(1, 2 * mm)]
    parts += [_text(line, 9, colour=_GREY) for line in _headline(report)]
    if job["error_message"]:
        parts += [Spacer(1, 3 * mm), _text(str(job["error_message"]), 10)]
    parts += _section("Work by kind", ("Kind", "Tasks", "Seconds", "Longest"), _kinds(report))
    failures = [(e["task_identifier"], e["error_category"], e["error_message"], _times(e)) for e in report.errors]
    parts += _section("Failures", ("Task", "Category", "What happened", "Then"), failures)
    unfinished = [
        (task["task_identifier"], task["status"], " ".join(task["recovery_suggestions"]))
        for task in report.tasks
        if task["status"] in ("failed", "skipped")
    ]
    parts += _section("Not finished", ("Task", "State", "What helps"), unfinished)
    actions = [(_time(a["created_at"]), a["action_type"], str(a["user_id"])) for a in report.actions]
    parts += _section("What users did", ("When", "What", "Who"), actions)
    story = [(_time(datetime.fromisoformat(m["created_at"])), m["message"]) for m in job["messages"]]
    parts += _section("The story", ("When", "What"), story)
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, title=title, author="Coursewright", invariant=True,
        leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
    ).build(parts, onFirstPage=_numbered, onLaterPages=_numbered)  # fmt: skip
    return out.getvalue()


def _headline(report: Report) -> list[str]:
    job, taken = report.job, report.measures["performance"]
    seconds = taken["totalSeconds"]
    counts = f"{job['completed_tasks']} of {job['total_tasks']} tasks completed, {job['failed_tasks']} failed, "
    return [
        f"Job {job['id']}: {job['status']}, {job['progress_percentage']} %",
        counts + f"{job['skipped_tasks']} skipped",
        f"Asked for {_time(job['created_at'])}" + (f", took {seconds:,.1f} s" if seconds else ""),
        f"Calls to models: {report.measures['spend_usd']:.4f} US dollars",
    ]


def _kinds(report: Report) -> list[tuple[Any, ...]]:
    kinds = report.measures["performance"]["tasksByType"]
    return [
        (name.replace("_", " "), kind["count"], _seconds(kind["seconds"]), _seconds(kind["longest"]))
        for name, kind in kinds.items()
    ]


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Any]:
    if not rows:
        return []
    cells = [[_text(name, 8, colour=_GREY) for name in head]]
    cells += [[_text(str(value if value is not None else ""), 8.5) for value in row] for row in rows]
    width = (A4[0] - 40 * mm) / len(head)
    widths = [28 * mm, A4[0] - 68 * mm] if title == "The story" else [width] * len(head)
    table = LongTable(cells, colWidths=widths, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, 0), 0.6, _GREY),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ]
        )
    )
    return [Spacer(1, 6 * mm), _text(title, 12, bold=True), Spacer(1, 2 * mm), table]


def _text(text: str, size: float, *, bold: bool = False, colour: Any = colors.black) -> Paragraph:
    font = _BOLD if bold else _PLAIN
    if any("\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in text):
        font = _EAST_ASIAN
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    style = ParagraphStyle("", fontName=font, fontSize=size, leading=size * 1.35, textColor=colour, splitLongWords=1)
    return Paragraph(escaped, style)


def _register_fonts() -> None:
    if _PLAIN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_PLAIN, "Vera.ttf"))
        pdfmetrics.registerFont(TTFont(_BOLD, "VeraBd.ttf"))
        pdfmetrics.registerFont(UnicodeCIDFont(_EAST_ASIAN))


def _numbered(canvas: Any, document: Any) -> None:
    canvas.setFont(_PLAIN, 8)
    canvas.setFillColor(_GREY)
    canvas.drawRightString(A4[0] - 20 * mm, 10 * mm, str(document.page))


def _times(error: Row) -> str:
    return f"attempt {error['attempt']}, {'tried again' if error['will_retry'] else 'given up'}"


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _seconds(value: Any) -> str:
    return "" if value is None else f"{float(value):,.2f}"


__all__ = ["as_pdf"]
