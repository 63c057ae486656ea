"""Durable calls to language models: no stored answer is ever paid for again. Knows nothing of courses or the queue."""

from coursewright.llm.gateway import Gateway
from coursewright.llm.model import (
    Abilities,
    Accepted,
    Answer,
    Deferred,
    Finish,
    Judge,
    Message,
    Origin,
    Rejected,
    Reply,
    Request,
    Usage,
    Verdict,
)
from coursewright.llm.provider import Provider, Providers

__all__ = [
    "Abilities",
    "Accepted",
    "Answer",
    "Deferred",
    "Finish",
    "Gateway",
    "Judge",
    "Message",
    "Origin",
    "Provider",
    "Providers",
    "Rejected",
    "Reply",
    "Request",
    "Usage",
    "Verdict",
]
