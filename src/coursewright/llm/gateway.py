"""The one way to a model: every call is looked up, paid for once at most, and on record."""

from collections.abc import Sequence

from coursewright.llm.model import Answer, Judge, Origin, Request, Value


class Gateway:
    """Durable calls."""

    async def call(
        self, origin: Origin, request: Request, judge: Judge[Value], *, fallbacks: Sequence[str] = ()
    ) -> Answer[Value]:
        """Return an answer that `judge` accepts: a stored one, or a new one that is stored before it is looked at.

        A rejected reply is followed by the next turn (`Rejected.again`, or the same request), at most as many turns as
        configured for one generation. `fallbacks` are models to ask, in order, while the breaker of those before is
        open; without any, the call waits.

        Raises `Deferred` when it has to wait (limit, budget in flight, somebody else's call, background, batch);
        `NoUsableReply` after the last turn; `RequestRefused` when the provider does not take the request; `NeedsAction`
        when somebody has to do something first.
        """
        raise NotImplementedError


__all__ = ["Gateway"]
