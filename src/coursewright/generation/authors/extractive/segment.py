"""Cut a row of pieces into neighbouring groups of like size, at headings where it can: dynamic programming."""

import itertools
from collections.abc import Sequence

_INFINITE = float("inf")
_SAME_HEADING = 0.6  # the price of a cut under one and the same heading
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
    for group in range(1, bound + 1):
        for end in range(group * least, count + 1):
            best, at = _INFINITE, 0
            for start in range(end - least, (group - 1) * least - 1, -1):
                words = totals[end] - totals[start]
                off = (words - aim) / aim
                if off > 0 and off * off > best:
                    break  # it only grows from here
                if costs[group - 1][start] == _INFINITE:
                    continue
                within = joined[end] - joined[start + 1]
                cost = round(costs[group - 1][start] + off * off + within + (price[start] if start else 0.0), 9)
                if cost < best:
                    best, at = cost, start
            costs[group][end], before[group][end] = best, at
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
