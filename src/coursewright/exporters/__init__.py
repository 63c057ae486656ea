"""A course as files: `course.json`, a static site, Markdown, the quality report."""

from coursewright.exporters.export import FORMATS, Format, export, render_json

__all__ = ["FORMATS", "Format", "export", "render_json"]
