"""A course as files: `course.json`, a static site, Markdown, the quality report."""

from coursewright.exporters.export import FORMATS, MARKER, Format, check_folder, export, render, render_json

__all__ = ["FORMATS", "MARKER", "Format", "check_folder", "export", "render", "render_json"]
