"""Reads one document of any known format. A format's libraries are imported when its first file comes."""

from coursewright.documents.read.any_format import read
from coursewright.documents.read.sniff import EXTENSIONS

__all__ = ["EXTENSIONS", "read"]
