"""Cuts are the cheapest that there are: compared with looking at every cut, also where many cost the same."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursewright.generation.authors.extractive.segment import segment

Pieces = list[tuple[int, float, float]]
PIECES = st.lists(
    st.tuples(
        st.sampled_from([1, 40, 50, 50, 60, 400]),
        st.sampled_from([0.0, 0.0, 0.5, 0.6, 1.1]),
        st.sampled_from([0.0, 0.0, 0.35]),
    ),
    min_size=1,
    max_size=9,
)


def cost(pieces: Pieces, ends: tuple[int, ...], aim: float) -> float:
    total = 0.0
    for start, end in itertools.pairwise((0, *ends)):
        off = (sum(size for size, _, _ in pieces[start:end]) - aim) / aim
        total += off * off + sum(join for _, _, join in pieces[start + 1 : end]) + (pieces[start][1] if start else 0.0)
    return total


def best(pieces: Pieces, groups: int, aim: float, least: int) -> float:
    return min(
        cost(pieces, (*cuts, len(pieces)), aim)
        for cuts in itertools.combinations(range(1, len(pieces)), groups - 1)
        if all(b - a >= least for a, b in itertools.pairwise((0, *cuts, len(pieces))))
    )


@given(PIECES, st.integers(1, 4), st.integers(1, 2))
def test_no_cut_into_so_many_groups_is_cheaper(pieces: Pieces, groups: int, least: int) -> None:
    if len(pieces) < groups * least:
        return
    sizes, price, joins = map(list, zip(*pieces, strict=True))
    ends = segment(sizes, price, joins, groups=groups, target=0, least=least)
    aim = sum(sizes) / groups
    assert len(ends) == groups
    assert all(b - a >= least for a, b in itertools.pairwise((0, *ends)))
    assert cost(pieces, tuple(ends), aim) == pytest.approx(best(pieces, groups, aim, least), abs=1e-7)


@given(PIECES, st.integers(1, 500), st.integers(1, 4))
def test_no_cut_into_groups_of_about_a_size_is_cheaper(pieces: Pieces, target: int, most: int) -> None:
    sizes, price, joins = map(list, zip(*pieces, strict=True))
    bound = min(most, len(sizes))
    aim = max(target, sum(sizes) / bound)
    ends = segment(sizes, price, joins, groups=None, target=target, most=most)
    assert len(ends) <= bound
    found = [best(pieces, groups, aim, 1) for groups in range(1, bound + 1)]
    assert cost(pieces, tuple(ends), aim) == pytest.approx(min(found), abs=1e-7)


def test_of_equal_cuts_the_latest_is_taken_and_the_fewest_groups() -> None:
    assert segment([100] * 5, [0.0] * 5, [0.0] * 5, groups=2, target=0) == [3, 5]
    assert segment([100], [0.0], [0.0], groups=None, target=100) == [1]
