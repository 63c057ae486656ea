"""BullMQ on Redis or Valkey as a doorbell (extra `bullmq`): one message for every job that is enqueued.

The same messages may come from a Node program: queue `course-generation`, data `{jobId}`.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from coursewright.errors import ConfigurationError

_log = logging.getLogger(__name__)

QUEUE = "course-generation"
_KEPT = 100  # messages in Redis after they were heard, for whoever looks at them
_SECONDS_TO_RING = 2.0
_LONGEST_WAIT = 30.0


class BullDoorbell:
    """Rings by adding a message, and hears those that anybody adds."""

    name = "bullmq"

    def __init__(self, url: str, queue: str = QUEUE) -> None:
        try:
            import bullmq
        except ImportError as error:
            raise ConfigurationError(
                "REDIS_URL is set, and BullMQ is not installed.", hint="pip install 'coursewright[bullmq]'"
            ) from error
        self._bullmq: Any = bullmq
        self._url = url
        self._queue = queue

    async def ring(self, job_id: UUID, at: datetime | None = None) -> bool:
        """Wake one listening worker, now or at a time. A message that is lost costs time only."""
        delay = max(0, round((at - datetime.now(UTC)).total_seconds() * 1000)) if at else 0
        options = {"delay": delay, "removeOnComplete": _KEPT, "removeOnFail": _KEPT}
        queue = self._bullmq.Queue(self._queue, {"connection": self._url})
        try:
            async with asyncio.timeout(_SECONDS_TO_RING):
                await queue.add("process-course", {"jobId": str(job_id)}, options)
        except Exception as error:  # of Redis, its client or the network: polling finds the job
            _log.warning("BullMQ did not take the message for job %s: %s", job_id, error)
            return False
        finally:
            await _closed(queue)
        return True

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` at every message until cancelled; Redis may be away for a while."""

        async def heard(_message: Any, _token: str) -> None:
            wake()

        wait = 0.5
        while True:
            worker = self._bullmq.Worker(self._queue, heard, {"connection": self._url, "autorun": False})
            try:
                wake()  # what rang before was not heard
                await worker.run()
            except Exception as error:
                _log.info("the doorbell BullMQ is out of order for %.1f s, polling goes on: %s", wait, error)
            finally:
                await _closed(worker)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)


async def _closed(each: Any) -> None:
    try:
        async with asyncio.timeout(_SECONDS_TO_RING):
            await each.close()
    except Exception as error:
        _log.debug("closing a connection to Redis: %s", error)


__all__ = ["QUEUE", "BullDoorbell"]
