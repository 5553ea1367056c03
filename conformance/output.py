"""What a session can reach of the process while a trial runs, and must leave as it was.

It may print, and what it prints is captured with its test; it cannot close or replace the streams
that the verdicts are told on, or move the run to another folder, for longer than its own trial.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class _Lent:
    """A stream that cannot be closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Leave it open."""


@contextmanager
def kept() -> Iterator[None]:
    """Afterwards the streams and the folder are what they were before."""
    folder = os.getcwd()  # noqa: PTH109 - Path.cwd() would be made for every trial
    out, err = (cast("TextIO", _Lent(stream)) for stream in (sys.stdout, sys.stderr))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        os.chdir(folder)
