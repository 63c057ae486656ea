"""The course as a static site: self-contained, offline, accessible, printable."""

from coursewright.exporters.site.render import render_site

__all__ = ["render_site"]
