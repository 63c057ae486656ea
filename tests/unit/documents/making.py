"""What tests of readers share: archives made on the spot, and blocks as pairs of kind and text."""

import io
import zipfile
from collections.abc import Mapping

from coursewright.documents.passages import ReadDocument


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of `parts`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def blocks(document: ReadDocument) -> list[tuple[str, str]]:
    """Return kind and text of each block, in order."""
    return [(span.kind, document.text[span.start : span.end]) for span in document.spans]
