"""A tick as HTTP answers it. It knows no framework: a host that starts cold for a tick loads what the tick needs."""

import hmac
from typing import Any

from coursewright.app import Coursewright, Ticked
from coursewright.settings import Settings


def is_timer(settings: Settings, authorization: str) -> bool:
    """Tell whether a request bears the secret of the timer; compared in constant time."""
    secret = settings.cron_secret
    return secret is not None and hmac.compare_digest(
        authorization.encode(), f"Bearer {secret.get_secret_value()}".encode()
    )


async def tick(program: Coursewright, began: float) -> dict[str, Any]:
    """Have one tick, which counts from `began` (of `time.monotonic`), and return what it did.

    `remaining` is None when the database did not answer any more. Raises DatabaseUnavailable.
    """
    return told(await program.tick(program.settings.ticks.budget, began=began))


def told(ticked: Ticked) -> dict[str, Any]:
    """Return what a tick did in the words of the answer."""
    return {
        "success": True,
        "processed": ticked.jobs,
        "completed_tasks": ticked.completed_tasks,
        "remaining": ticked.remaining,
    }


__all__ = ["is_timer", "tick", "told"]
