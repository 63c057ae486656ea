"""Files in the application's Supabase Storage, fetched with its service key; addresses here are `storage:bucket/path`.

The host is the operator's choice; only the path comes from rows of the application.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import httpx2

from coursewright.errors import TooLarge, UnreadableDocument
from coursewright.settings import ApiSettings, DocumentSettings

SCHEME = "storage:"

Fetch = Callable[[str], Awaitable[tuple[bytes, str | None]]]


class Storage:
    """Fetches `storage:` addresses here, and leaves all others to `elsewhere`."""

    def __init__(self, settings: DocumentSettings, limits: ApiSettings, elsewhere: Fetch) -> None:
        self._url = (settings.storage_url or "").rstrip("/")
        self._key = settings.storage_key.get_secret_value() if settings.storage_key else ""
        self._elsewhere = elsewhere
        self._max_bytes = limits.max_upload_mb << 20
        self._seconds = limits.url_seconds

    async def __call__(self, url: str) -> tuple[bytes, str | None]:
        """Return content and content type. Raises UnreadableDocument, TooLarge, and what `elsewhere` raises."""
        if not url.startswith(SCHEME):
            return await self._elsewhere(url)
        path = url.removeprefix(SCHEME).lstrip("/")
        if not self._url or not self._key:
            raise UnreadableDocument(
                path,
                "it is in the application's storage, which is not configured here",
                hint="Set COURSEWRIGHT_DOCUMENTS__STORAGE_URL and …__STORAGE_KEY.",
            )
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise UnreadableDocument(path, f"{path} is no path in a storage", hint="Expected: bucket/folder/file.")
        headers = {"Authorization": f"Bearer {self._key}", "apikey": self._key, "Accept-Encoding": "identity"}
        content = bytearray()
        try:
            async with (
                httpx2.AsyncClient(timeout=self._seconds) as client,
                client.stream("GET", f"{self._url}/object/{quote(path)}", headers=headers) as answer,
            ):
                if answer.status_code != 200:
                    raise UnreadableDocument(
                        path, f"the application's storage answers {answer.status_code}", hint="Is the file still there?"
                    )
                async for piece in answer.aiter_raw():
                    content += piece
                    if len(content) > self._max_bytes:
                        raise TooLarge(
                            f"{path} is larger than {self._max_bytes >> 20} MB",
                            hint="Split it, or raise COURSEWRIGHT_API__MAX_UPLOAD_MB.",
                        )
                kind = answer.headers.get("content-type", "").partition(";")[0].strip() or None
        except httpx2.HTTPError as error:
            raise UnreadableDocument(
                path,
                f"the application's storage cannot be reached: {str(error) or type(error).__name__}",
                hint="Try again.",
            ) from error
        return bytes(content), kind


__all__ = ["SCHEME", "Storage"]
