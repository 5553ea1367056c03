"""Samples reduced to what a reader compares: a median, its spread, and ratios of medians."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Summary:
    """The samples of one figure."""

    median: float
    low: float
    high: float
    rounds: int

    @property
    def spread(self) -> float:
        """Half the way from the lowest to the highest sample, as a share of the median."""
        return (self.high - self.low) / 2 / abs(self.median) if self.median else 0.0


def summary(samples: Sequence[float]) -> Summary:
    """Reduce samples, of which there is at least one."""
    return Summary(median(samples), min(samples), max(samples), len(samples))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of the medians; infinite where theirs is 0."""
    divisor = median(theirs)
    return median(ours) / divisor if divisor else float("inf")


def growth(times: Mapping[int, Sequence[float]]) -> float:
    """Return the time of a unit of work at the largest scale over that at the smallest.

    `times` maps a scale to its samples. 1 means linear; a quadratic cost gives the ratio of the
    scales.
    """
    least, most = min(times), max(times)
    return (median(times[most]) / most) / (median(times[least]) / least)
