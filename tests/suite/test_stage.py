"""Where sessions run: what hangs there is cut off, and what cannot be cut off is left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from conformance import stage as stages
from conformance.stage import Hang, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(stages, "PATIENCE", 0.2)
    with Stage() as stage:
        yield stage


async def _name() -> str:
    return threading.current_thread().name


def test_result(stage: Stage) -> None:
    """What a run returns comes back, from a thread that is not the caller's."""
    assert stage.run(_name, 5) != threading.current_thread().name


def test_exception(stage: Stage) -> None:
    """What a run raises comes out as it is, a client's own TimeoutError too."""

    async def late() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        stage.run(late, 5)


def test_hang_is_cancelled(stage: Stage) -> None:
    """What does not return is cancelled, may clean up, and the stage stays."""
    before, cleaned = stage.run(_name, 5), threading.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    with pytest.raises(Hang, match=r"^nothing came back in 0\.05 s$"):
        stage.run(waits, 0.05)

    assert cleaned.is_set()
    assert stage.abandoned == 0
    assert stage.run(_name, 5) == before


def test_blocked_stage_is_replaced(stage: Stage) -> None:
    """What blocks the loop is left behind with its thread; the next run has a new one."""
    before, let_go = stage.run(_name, 5), threading.Event()

    async def blocks() -> None:
        let_go.wait()

    try:
        with pytest.raises(Hang):
            stage.run(blocks, 0.05)
        assert stage.abandoned == 1
        assert stage.run(_name, 5) != before
    finally:
        let_go.set()


def test_stage_of_one_that_clings_is_replaced(stage: Stage) -> None:
    """What swallows its cancellation is left behind as well."""
    let_go = threading.Event()

    async def clings() -> None:
        while not let_go.is_set():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    try:
        with pytest.raises(Hang):
            stage.run(clings, 0.05)
        assert stage.abandoned == 1
        assert stage.run(_name, 5)
    finally:
        let_go.set()


def test_complaints_are_kept(stage: Stage) -> None:
    """What reaches the loop's exception handler can be read afterwards."""

    async def complains() -> None:
        context = {"message": "left open", "exception": ValueError(1)}
        asyncio.get_running_loop().call_exception_handler(context)

    stage.run(complains, 5)

    assert stage.complaints == ["left open: ValueError(1)"]
