"""The doorbells that an installation is configured for."""

from coursewright.doorbells import Bells, NotifyDoorbell, Ringing
from coursewright.doorbells.bells import Count, Listen
from coursewright.doorbells.bullmq import BullDoorbell
from coursewright.doorbells.qstash import QStashDoorbell
from coursewright.doorbells.web import WebDoorbell
from coursewright.settings import Settings


def configured_bells(settings: Settings, url: str, count: Count, *, webhook_route: str, cron_route: str) -> Bells:
    """Return them all; the database's own is always there. The routes are those of the service, for who rings there.

    `count` is told of each ring.
    """
    ringing: list[Ringing] = []
    listening: dict[str, Listen] = {"notify": NotifyDoorbell(url, settings.database).listen}
    if settings.qstash_token and settings.worker_url:
        target = settings.worker_url.rstrip("/") + webhook_route
        ringing.append(QStashDoorbell(settings.qstash_token.get_secret_value(), settings.qstash_url, target))
    elif bell := tick_bell(settings, cron_route):
        ringing.append(bell)
    if settings.redis_url:
        bull = BullDoorbell(settings.redis_url.get_secret_value())
        ringing.append(bull)
        listening[bull.name] = bull.listen
    return Bells(ringing, listening, count)


def tick_bell(settings: Settings, cron_route: str) -> WebDoorbell | None:
    """Return what begins a tick in a request of its own, where the service knows its address and the secret."""
    if not (settings.worker_url and settings.cron_secret):
        return None
    return WebDoorbell(settings.worker_url.rstrip("/") + cron_route, settings.cron_secret.get_secret_value())


__all__ = ["configured_bells", "tick_bell"]
