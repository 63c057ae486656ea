"""How long to wait before the next try: exponential, with full jitter.

Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

import random


def backoff(failures: int, *, base: float = 2.0, cap: float = 120.0, rng: random.Random | None = None) -> float:
    """Return seconds to wait after `failures` earlier failures: uniform in (0, min(cap, base · 2^failures)]."""
    ceiling: float = min(cap, base * 2.0 ** min(failures, 30))
    draw = rng.random() if rng else random.random()  # noqa: S311 - spreads load, guards nothing
    return ceiling * (1.0 - draw)
