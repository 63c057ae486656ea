"""Files that are not read: what they are, and what to make of them first."""

_OCR = "run OCR and give the text as PDF"
_TO_TEXT = "convert it to HTML or Markdown (pandoc does)"
_UNPACK = "unpack it and give the folder"
_SUBTITLES = "give its subtitles (.vtt or .srt)"

FOREIGN: dict[str, tuple[str, str]] = {
    ".doc": ("an old Word document", "save it as .docx"),
    ".dot": ("an old Word document", "save it as .docx"),
    ".xls": ("an old Excel workbook", "save it as .xlsx"),
    ".xlsb": ("a binary Excel workbook", "save it as .xlsx"),
    ".ppt": ("an old PowerPoint presentation", "save it as .pptx"),
    ".pps": ("an old PowerPoint presentation", "save it as .pptx"),
    ".odt": ("an OpenDocument text", "save it as .docx or PDF"),
    ".ods": ("an OpenDocument spreadsheet", "save it as .xlsx"),
    ".odp": ("an OpenDocument presentation", "save it as .pptx"),
    ".rtf": ("a Rich Text document", "save it as .docx"),
    ".pages": ("a Pages document", "export it as .docx or PDF"),
    ".numbers": ("a Numbers spreadsheet", "export it as .xlsx"),
    ".key": ("a Keynote presentation", "export it as .pptx"),
    ".ps": ("a PostScript file", "convert it to PDF"),
    ".djvu": ("a DjVu file", "convert it to PDF"),
    ".mobi": ("a Kindle book", "convert it to EPUB"),
    ".azw3": ("a Kindle book", "convert it to EPUB"),
    ".fb2": ("a FictionBook", "convert it to EPUB"),
    ".mht": ("a saved web page in one file", "save it as HTML"),
    ".mhtml": ("a saved web page in one file", "save it as HTML"),
    ".eml": ("an e-mail", "save its text as HTML or .txt"),
    ".msg": ("an e-mail", "save its text as HTML or .txt"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"), ("an image", _OCR)),
    **dict.fromkeys((".svg",), ("a drawing", "give its text as Markdown or PDF")),
    **dict.fromkeys((".rst", ".adoc", ".asciidoc", ".org", ".tex", ".textile", ".wiki"), ("markup source", _TO_TEXT)),
    ".ipynb": ("a notebook", "export it as Markdown or HTML"),
    **dict.fromkeys((".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar"), ("an archive", _UNPACK)),
    **dict.fromkeys((".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"), ("a video", _SUBTITLES)),
    **dict.fromkeys((".mp3", ".wav", ".m4a", ".ogg", ".flac"), ("a sound recording", _SUBTITLES)),
}

# What the first bytes tell, as the extension that would be true.
_MAGIC = (
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
    (b"BM", ".bmp"),
    (b"{\\rtf", ".rtf"),
    (b"\x1f\x8b", ".gz"),
    (b"7z\xbc\xaf", ".7z"),
    (b"Rar!", ".rar"),
    (b"BZh", ".bz2"),
    (b"\xfd7zXZ", ".xz"),
    (b"%!PS", ".ps"),
    (b"AT&TFORM", ".djvu"),
    (b"ID3", ".mp3"),
    (b"OggS", ".ogg"),
    (b"\x1aE\xdf\xa3", ".mkv"),
)
# The type that an OpenDocument file names in its first part.
OPEN_DOCUMENT = {"text": ".odt", "spreadsheet": ".ods", "presentation": ".odp"}


def foreign(extension: str) -> tuple[str, str] | None:
    """Return what a file of that extension is, and what to do with it; None when nothing is known."""
    return FOREIGN.get(extension.lower())


def foreign_by_content(head: bytes) -> tuple[str, str] | None:
    """Return the same by the first bytes of a file."""
    if head[:2] == b"BM" and head[6:10] != bytes(4):  # a text may begin so
        return None
    if head[:4] == b"RIFF":
        return FOREIGN[".webp"] if head[8:12] == b"WEBP" else FOREIGN[".wav" if head[8:12] == b"WAVE" else ".avi"]
    if head[4:8] == b"ftyp":
        return FOREIGN[".heic"] if head[8:12] in (b"heic", b"mif1", b"heix") else FOREIGN[".mp4"]
    if head.startswith((b"\x7fELF", b"MZ\x90")):
        return ("a program", "leave it out")
    return next((FOREIGN[extension] for magic, extension in _MAGIC if head.startswith(magic)), None)


__all__ = ["FOREIGN", "OPEN_DOCUMENT", "foreign", "foreign_by_content"]
