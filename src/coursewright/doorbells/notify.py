"""Hears the database's own bell: LISTEN on a connection of its own, since a pool's may change hands.

Through a pooler there is nothing to hear (`is_pooled` says why), and the worker's polling alone finds the work.
"""

import asyncio
import logging
from collections.abc import Callable

import psycopg

from coursewright.db.pool import connect, is_pooled
from coursewright.errors import DatabaseUnavailable
from coursewright.settings import DatabaseSettings

_log = logging.getLogger(__name__)

_SECONDS_BETWEEN_SIGNS = 60.0  # a silent connection is asked so often whether it still lives
_LONGEST_WAIT = 30.0


class NotifyDoorbell:
    """Listens on the channel `coursewright`, which the queue's functions notify when there may be work."""

    def __init__(self, url: str, settings: DatabaseSettings) -> None:
        self._url = url
        self._settings = settings

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` at every ring, and after every new connection: what rang in between was not heard.

        Returns when there is a pooler.
        """
        wait = 0.5
        while True:
            try:
                async with await connect(self._url, self._settings) as connection:
                    if await is_pooled(connection):
                        _log.info("a pooler stands before the database: no bell is heard, polling finds the work")
                        return
                    await connection.execute("listen coursewright")
                    wait = 0.5
                    wake()
                    while True:
                        async for _ in connection.notifies(timeout=_SECONDS_BETWEEN_SIGNS):
                            wake()
                        await connection.execute("select 1")
            except (psycopg.Error, DatabaseUnavailable, OSError) as error:
                _log.info("the doorbell is out of order for %.1f s, polling goes on: %s", wait, error)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)


__all__ = ["NotifyDoorbell"]
