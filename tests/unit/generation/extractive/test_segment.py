"""Cuts are the cheapest that there are: compared with looking at every cut, also where many cost the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from coursewright.generation.authors.extractive.segment import segment


def cost(sizes: list[int], price: list[float], ends: tuple[int, ...], aim: float) -> float:
    starts = (0, *ends)
    total = 0.0
    for start, end in itertools.pairwise(starts):
        off = (sum(sizes[start:end]) - aim) / aim
        total = round(total + off * off + (price[start] if start else 0.0), 9)
    return total


def best(sizes: list[int], price: list[float], groups: int, aim: float, least: int) -> float:
    places = range(1, len(sizes))
    return min(
        cost(sizes, price, (*cuts, len(sizes)), aim)
        for cuts in itertools.combinations(places, groups - 1)
        if all(b - a >= least for a, b in itertools.pairwise((0, *cuts, len(sizes))))
    )


PIECES = st.lists(
    st.tuples(st.sampled_from([1, 40, 50, 50, 60, 400]), st.sampled_from([0.0, 0.0, 0.5, 0.6, 1.1])),
    min_size=1,
    max_size=9,
)


@given(PIECES, st.integers(1, 4), st.integers(1, 2))
def test_no_cut_into_so_many_groups_is_cheaper(pieces: list[tuple[int, float]], groups: int, least: int) -> None:
    sizes, price = [size for size, _ in pieces], [price for _, price in pieces]
    if len(sizes) < groups * least:
        return
    ends = segment(sizes, price, groups=groups, target=0, least=least)
    aim = sum(sizes) / groups
    assert len(ends) == groups
    assert all(b - a >= least for a, b in itertools.pairwise((0, *ends)))
    assert cost(sizes, price, tuple(ends), aim) == best(sizes, price, groups, aim, least)


@given(PIECES, st.integers(1, 500), st.integers(1, 4))
def test_no_cut_into_groups_of_about_a_size_is_cheaper(pieces: list[tuple[int, float]], target: int, most: int) -> None:
    sizes, price = [size for size, _ in pieces], [price for _, price in pieces]
    bound = min(most, len(sizes))
    aim = max(target, sum(sizes) / bound)
    ends = segment(sizes, price, groups=None, target=target, most=most)
    assert len(ends) <= bound
    found = [best(sizes, price, groups, aim, 1) for groups in range(1, bound + 1)]
    assert cost(sizes, price, tuple(ends), aim) == min(found)
    assert len(ends) == found.index(min(found)) + 1  # of equals the fewest groups
