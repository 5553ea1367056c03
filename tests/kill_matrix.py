"""The kill matrix: which requirements each saboteur is found to break.

`python -m tests.kill_matrix` tries every saboteur against every requirement and fails if one breaks
other requirements than it declares. Parts of names restrict it, and `--out FILE` writes the matrix,
which the site shows. A trial that does not reach what a saboteur has replaced, or in which that
gives the same, cannot tell it from the correct session (`tests.seams`), and is left out; `--all`
tries it as well, and `--quick` nothing but what is declared.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from argparse import ArgumentParser
from contextlib import contextmanager
from functools import cache
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from spec import catalogue
from tests import seams
from tests.judging import FEW, Found, judge, undeclared
from tests.saboteurs import Saboteur, discover

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from multiprocessing.pool import Pool

WORKERS = 12  # for two cores: much of the time is spent waiting
PARTS = 32  # of the trials, when it is noted what they reach
BEGAN = time.monotonic()

Task = tuple[str, list[str] | None]  # a saboteur, and the trials that reach what it replaces


def main(arguments: list[str]) -> int:
    """Judge them all, in several processes; 1 if one is not as it declares."""
    parser = ArgumentParser(prog="python -m tests.kill_matrix", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[""], help="only those whose names have one")
    parser.add_argument("--out", type=Path, help="write the matrix, as JSON")
    parser.add_argument("--workers", type=int, default=WORKERS)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--all", action="store_true", help="also what does not reach a seam")
    extent.add_argument("--quick", action="store_true", help="only what is declared")
    options = parser.parse_args(arguments)
    names = [name for name in _known() if any(part in name for part in options.parts)]
    if not names:
        parser.error("this names no saboteur, so that nothing would be tried")
    return _report(_judged(_tasks(names, options), options.workers), options.out)


def _report(matrix: list[Found], out: Path | None) -> int:
    wrong = [found.complaint for found in matrix if not found.as_declared]
    spent = os.times()
    processor = spent.user + spent.system + spent.children_user + spent.children_system
    took = f"{time.monotonic() - BEGAN:.0f} s, {processor:.0f} s of a processor"
    result = f"{len(wrong)} not as declared" if wrong else "each breaks just what it declares"
    print(*wrong, f"{len(matrix)} saboteurs in {took}: {result}", sep="\n")
    if out is not None and not wrong:
        out.write_text(json.dumps(as_json(matrix), indent=1) + "\n")
    return 1 if wrong else 0


def as_json(matrix: list[Found]) -> dict[str, object]:
    """The matrix as the site reads it."""
    return {
        "saboteurs": [
            {"name": found.name, "summary": found.summary, "breaks": sorted(found.declared)}
            for found in sorted(matrix, key=lambda found: found.name)
        ]
    }


# What is tried, and by whom


def _tasks(names: list[str], options: Namespace) -> list[Task]:
    """What each is tried by; those that take longest come first."""
    names.reverse()  # the last chapters, from security to urls, wait most
    if options.quick:
        return [(name, None) for name in names]
    if options.all:
        return [(name, [str(trial) for trial in undeclared()]) for name in names]
    with _processes(options.workers) as pool:
        played = list(chain.from_iterable(pool.imap_unordered(_record, range(PARTS))))
    reached = {name: seams.reached(_known()[name], played) for name in names}
    names.sort(key=lambda name: sum(each.seconds for each in reached[name]), reverse=True)
    return [(name, [each.trial for each in reached[name]]) for name in names]


def _record(part: int) -> list[seams.Played]:
    return seams.record(undeclared()[part::PARTS], FEW)


def _judged(tasks: list[Task], workers: int) -> list[Found]:
    """Who is not as declared is judged again, alone: the machine may have been too busy."""
    matrix: dict[str, Found] = {}
    with _processes(workers) as pool:
        for found in pool.imap_unordered(_judge, tasks):
            matrix[found.name] = found
            if not found.as_declared:
                print(f"to be judged again: {found.complaint}", flush=True)
    again = [task for task in tasks if not matrix[task[0]].as_declared]
    with _processes(1) as pool:
        matrix |= {found.name: found for found in pool.imap(_judge, again)}
    return list(matrix.values())


def _judge(task: Task) -> Found:
    name, reached = task
    return judge(_known()[name], reached)


@cache
def _known() -> dict[str, Saboteur]:
    return {str(known): known for known in discover()}


@contextmanager
def _processes(count: int) -> Iterator[Pool]:
    undeclared(), catalogue.load()  # once, for all of them
    gc.freeze()  # and what there is by now is not looked through again in each
    with get_context("fork").Pool(count, maxtasksperchild=20) as pool:
        yield pool
        pool.close()
        pool.join()  # only of those that were waited for is the processor's time known


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
