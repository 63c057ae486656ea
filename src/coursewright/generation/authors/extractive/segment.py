"""Cut a row of pieces into neighbouring groups of like size, at headings where it can.

Dynamic programming by divide and conquer over monotone minima: Galil and Park 1992, doi:10.1016/0304-3975(92)90135-3.
"""

import itertools
from collections.abc import Sequence

_INFINITE = float("inf")
_SAME_HEADING = 0.6  # the price of a cut under one and the same heading
_DIGITS = 9  # so that ties do not hang on the machine's arithmetic; of equals the latest start is taken
_DEEPER = 0.5  # the price of a cut for each level of headings shared beyond the fewest
_JOINED = 0.35  # the price of two highest headings in one group: its title would have to name both


def segment(
    sizes: Sequence[int],
    price: Sequence[float],
    joins: Sequence[float],
    *,
    groups: int | None,
    target: float,
    least: int = 1,
    most: int = 50,
) -> list[int]:
    """Return the index after each group's last piece.

    `price[i]` is the cost of a cut before piece i, `joins[i]` that of none there. `groups` is exact when given; else
    the groups have about `target` words, at most `most` of them. Every group has at least `least` pieces; the caller
    knows that they suffice.
    """
    count = len(sizes)
    bound = groups if groups is not None else max(1, min(most, count // least))
    aim = sum(sizes) / groups if groups else max(target, sum(sizes) / bound)
    totals = [0]
    for size in sizes:
        totals.append(totals[-1] + size)
    joined = [0.0, *itertools.accumulate(joins)]
    costs = [[_INFINITE] * (count + 1) for _ in range(bound + 1)]
    before = [[0] * (count + 1) for _ in range(bound + 1)]
    costs[0][0] = 0.0

    def fill(group: int) -> None:
        """Find the cheapest start of the last of `group` groups for every end.

        The square of a size is convex, so a later end never has an earlier start: what is found for the middle end
        bounds the search on both sides, and n ends take n log n looks instead of n².
        """
        parts = [(group * least, count, (group - 1) * least, count if group > 1 else 0)]
        while parts:
            low, high, lowest, highest = parts.pop()
            if low > high:
                continue
            end = (low + high) // 2
            best, at = _INFINITE, lowest
            for start in range(min(end - least, highest), lowest - 1, -1):
                off = (totals[end] - totals[start] - aim) / aim
                within = joined[end] - joined[start + 1]
                cost = round(costs[group - 1][start] + off * off + within + (price[start] if start else 0.0), _DIGITS)
                if cost < best:
                    best, at = cost, start
            costs[group][end], before[group][end] = best, at
            parts += ((low, end - 1, lowest, at), (end + 1, high, at, highest))

    for group in range(1, bound + 1):
        fill(group)
    chosen = groups or min(range(1, bound + 1), key=lambda group: (costs[group][count], group))
    ends = [count]
    for group in range(chosen, 1, -1):
        ends.append(before[group][ends[-1]])
    return ends[::-1]


def prices(paths: Sequence[tuple[str, ...]]) -> tuple[list[float], list[float]]:
    """Return what a cut before each piece costs, nothing at the highest border and most inside one heading; and what
    none costs there.
    """
    shared = [_shared(left, right) for left, right in itertools.pairwise(paths)]
    fewest = min(shared, default=0)
    cuts = [
        _SAME_HEADING + _DEEPER * (length - fewest) if left == right else _DEEPER * (length - fewest)
        for length, left, right in zip(shared, paths, paths[1:], strict=False)
    ]
    return [0.0, *cuts], [0.0, *(_JOINED if length == fewest else 0.0 for length in shared)]


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return length


__all__ = ["prices", "segment"]
