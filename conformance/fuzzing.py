"""How Hypothesis searches: how many examples, and which database of examples is shared.

Without a database a search is derandomized: every run of the suite tries the same examples, and a
verdict stays what it is. With one it is random, and what failed once is tried first by everybody
who shares the database: a folder, or a Redis server as `redis://host:port`. A property is written
`@court.settings()`, `@given(...)`, and plays what it was given with `court.play`.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.database import DirectoryBasedExampleDatabase

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

EXAMPLES = 25  # for each property, unless --fuzz says otherwise


class DatabaseError(Exception):
    """There is no such database."""


def database(where: str | None) -> ExampleDatabase | None:
    """The example database in a folder, which is made, or on a Redis server."""
    if not where:
        return None
    if not where.startswith(("redis://", "rediss://")):
        return _in_folder(where)
    try:
        client = import_module("redis").Redis.from_url(where)
        made: ExampleDatabase = import_module("hypothesis.extra.redis").RedisExampleDatabase(client)
    except ImportError as error:
        raise DatabaseError(f"--fuzz-db {where}: pip install redis ({error})") from error
    return made


def _in_folder(where: str) -> ExampleDatabase:
    """Hypothesis itself would keep nothing, and say nothing, where there can be no folder."""
    try:
        Path(where).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"--fuzz-db {where}: {error.strerror}") from error
    if not os.access(where, os.W_OK):
        raise DatabaseError(f"--fuzz-db {where}: it cannot be written to")
    return DirectoryBasedExampleDatabase(where)


def search_settings(
    examples: int, shared: ExampleDatabase | None, *, shrink: bool = True
) -> settings:
    """Settings of every property: the suite keeps the time, and one failure is enough."""
    left_out = {Phase.explain} if shrink else {Phase.explain, Phase.shrink}
    return settings(
        max_examples=examples,
        database=shared,
        derandomize=shared is None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[phase for phase in Phase if phase not in left_out],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
