"""Rings by calling the service's own address: the next tick begins in a request, and with a time limit, of its own."""

import logging
from datetime import UTC, datetime
from uuid import UUID

import httpx2

_log = logging.getLogger(__name__)

_SECONDS_TO_REACH = 2.0
_SECONDS_TO_START = 0.3  # nobody waits for the answer: it comes when that tick ends


class WebDoorbell:
    """Calls `url` with a Bearer secret."""

    name = "web"

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._tls = httpx2.create_ssl_context()  # takes longer than a ring: a tick that ends has no time for it

    async def ring(self, job_id: UUID | None = None, at: datetime | None = None) -> bool:
        """Have a tick begin; what is due at a later time is left to the timer. A ring that is lost costs time only."""
        if at is not None and at > datetime.now(UTC):
            return True
        timeout = httpx2.Timeout(_SECONDS_TO_REACH, read=_SECONDS_TO_START)
        try:
            async with httpx2.AsyncClient(timeout=timeout, verify=self._tls) as client:
                answer = await client.post(self._url, headers=self._headers)
                if answer.status_code >= 400:
                    _log.warning("%s answers %s instead of beginning a tick", self._url, answer.status_code)
                return answer.status_code < 400
        except httpx2.ReadTimeout:
            return True
        except httpx2.HTTPError as error:
            _log.warning("%s cannot be reached to begin the next tick: %s", self._url, error)
            return False


__all__ = ["WebDoorbell"]
