"""Webhooks of OpenAI: that a background response or a batch has ended. Signed by the scheme of Standard Webhooks."""

import binascii
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

import openai

from coursewright.errors import ConfigurationError, Unauthenticated

_ENDED = ("response.", "batch.")
_HINT = "Set OPENAI_WEBHOOK_SECRET to the signing secret that OpenAI shows for this webhook (whsec_…)."


def ended(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> str | None:
    """Return the id of what a webhook says has ended, well or not; None: it tells of something else.

    `headers` in lower case. Any of the secrets will do, so that they can be rotated. Raises Unauthenticated when it is
    not signed with one of them within the last five minutes, ConfigurationError when one is no secret.
    """
    if not secrets:
        raise Unauthenticated("Webhooks of OpenAI need a signing secret, and none is configured.", hint=_HINT)
    why = "it is not signed"
    for secret in secrets:
        try:
            _verifier().webhooks.verify_signature(body, headers, secret=secret)
        except binascii.Error as error:
            raise ConfigurationError("The signing secret of OpenAI's webhooks is not one.", hint=_HINT) from error
        except (openai.InvalidWebhookSignatureError, ValueError) as error:
            why = str(error) or why
        else:
            return _named(body)
    raise Unauthenticated(f"This webhook was not sent by OpenAI: {why}", hint=_HINT)


def _named(body: bytes) -> str | None:
    try:
        event = json.loads(body)
        kind, found = str(event["type"]), event["data"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found) if kind.startswith(_ENDED) else None


@lru_cache
def _verifier() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="none")  # asks nobody


__all__ = ["ended"]
