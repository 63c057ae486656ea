"""The quality of a course as far as it can be told without a model: `measure(course)` gives `quality.json`."""

from coursewright.course.quality.citations import KnowledgeSection
from coursewright.course.quality.measure import measure
from coursewright.course.quality.report import Flag, LanguageShare, LeftOut, Measure, Quality, ReadingWarning

__all__ = ["Flag", "KnowledgeSection", "LanguageShare", "LeftOut", "Measure", "Quality", "ReadingWarning", "measure"]
