"""A child process that answers lines with lines: the server, a worker, a fresh start."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, Self

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 180.0  # seconds for one job
LINE = 2**20
_NO_FILES = {"PYTHONDONTWRITEBYTECODE"}

Figures = dict[str, float]


def _env() -> dict[str, str]:
    """Return our environment, with Python's compiled files: whoever has none starts slowly."""
    return {name: value for name, value in os.environ.items() if name not in _NO_FILES}


class Failed(Exception):  # noqa: N818 - says what went wrong with a client
    """A client could not do a row's work."""


class Process:
    """A child that answers lines with lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, interpreter: str, *arguments: str) -> Self:
        """Start `python -m arguments` in the checkout."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                interpreter, *arguments, stdin=pipe, stdout=pipe, cwd=ROOT, limit=LINE, env=_env()
            )
        )

    async def read(self, patience: float) -> str:
        """Return its next line."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), patience)
        except TimeoutError:
            raise Failed(f"no answer in {patience:.0f} s") from None
        if not line:
            raise Failed(f"its process ended with {await self._process.wait()}")
        return line.decode()

    async def ask(self, job: Mapping[str, Any], patience: float = PATIENCE) -> Figures:
        """Let a worker do a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.read(patience))
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    async def stop(self) -> None:
        """Close its input, at which it ends; or else, with streams still open, end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 2)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
