"""The servers that were recorded, running: for `--live`, which asks them directly."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from conformance.record.servers import KINDS, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def packages_missing() -> str:
    """The packages of the servers that are not installed, as arguments for pip."""
    wanted = [name for kind in KINDS.values() for name in kind.packages]
    return " ".join(name for name in wanted if not _installed(name))


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


@contextmanager
def servers(wanted: bool) -> Iterator[Mapping[str, str]]:
    """Their addresses by name while the block runs; none if they are not wanted."""
    with ExitStack() as stack:
        yield {
            name: f"http://127.0.0.1:{stack.enter_context(running(kind)).port}"
            for name, kind in KINDS.items()
            if wanted
        }
