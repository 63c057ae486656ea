"""The ways to deliver that an installation is configured for; none is usual."""

from coursewright.db.pool import Pool
from coursewright.delivery.courier import ByWebhook, Courier, Way
from coursewright.delivery.tables import Load, Render, Tables
from coursewright.delivery.webhook import Webhook
from coursewright.settings import DeliverySettings


def configured_courier(pool: Pool, settings: DeliverySettings, load: Load, render: Render) -> Courier:
    """Return the courier of an installation. Raises ConfigurationError for settings that cannot be used."""
    ways: dict[str, Way] = {}
    if settings.webhook_url:
        ways["webhook"] = ByWebhook(Webhook(settings.webhook_url, settings))
    if settings.outline_sql or settings.path_sql or settings.lesson_sql:
        ways["tables"] = Tables(pool, settings, load, render)
    longest = max(settings.webhook_seconds, settings.sql_seconds)
    return Courier(pool, ways, tries=settings.tries, seconds=longest)


__all__ = ["configured_courier"]
