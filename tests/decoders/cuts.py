"""One input in pieces, cut at drawn points; some of the pieces may be empty."""

from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

S = TypeVar("S", str, bytes)

POINTS = st.lists(st.integers(0, 100_000), max_size=12)


def cut(whole: S, points: list[int]) -> list[S]:
    places = [0, *sorted(point % (len(whole) + 1) for point in points), len(whole)]
    return [whole[start:stop] for start, stop in pairwise(places)]


def singly(whole: S) -> list[S]:
    return [whole[at : at + 1] for at in range(len(whole))]
