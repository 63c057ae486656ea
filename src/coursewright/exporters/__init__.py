"""A course as files: `course.json`, a static site, Markdown, the quality report.

Import from the modules (`exporters.export`, `exporters.formats`): to name a format, none of them has to be ready.
"""
