"""Where sessions run: what hangs there is cut off, and what cannot be cut off is left behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from conformance import stage as stages
from conformance.checks.session import together
from conformance.stage import Escape, Hang, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


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


def test_what_is_left_behind_ends_with_its_loop(stage: Stage) -> None:
    """A run that ends while its loop is closed is no reason to leave that loop open."""

    async def thread() -> threading.Thread:
        return threading.current_thread()

    async def clings() -> None:
        for _ in range(2):  # cut off, and then its loop's tasks are ended
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    left, loop = stage.run(thread, 5), stage.loop
    with pytest.raises(Hang):
        stage.run(clings, 0.05)
    left.join(5)

    assert loop.is_closed()


def test_complaints_are_kept(stage: Stage) -> None:
    """What reaches the loop's exception handler can be read afterwards."""

    async def complains() -> None:
        context = {"message": "left open", "exception": ValueError(1)}
        asyncio.get_running_loop().call_exception_handler(context)

    stage.run(complains, 5)

    assert stage.complaints == ["left open: ValueError(1)"]


def test_what_a_check_leaves_running_is_ended(stage: Stage) -> None:
    """A task of the suite ends with its trial, and one of the client's own does not."""

    async def leaves() -> tuple[asyncio.Task[None], asyncio.Task[bool]]:
        forever = asyncio.Event()
        of_check = asyncio.ensure_future(together(forever.wait()))  # type: ignore[arg-type] # waits
        of_client = asyncio.get_running_loop().create_task(forever.wait())
        await asyncio.sleep(0)
        return of_check, of_client

    of_check, of_client = stage.run(leaves, 5)

    assert of_check.cancelled()
    assert not of_client.done()


def test_tasks_end_before_their_generators() -> None:
    """A generator closed under its task would fail there: "didn't stop after athrow()"."""
    left: list[str] = []

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        try:
            yield
        finally:
            left.append("the generator")

    async def waits() -> None:
        try:
            async with block():
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append("the task")
            raise

    async def starts() -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(waits())
        await asyncio.sleep(0)
        return task

    with Stage() as stage:
        task = stage.run(starts, 5)

    assert left == ["the generator", "the task"]
    assert task.cancelled()
    assert stage.complaints == []


def test_who_clings_on_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that does not end keeps its generators: nobody closes them under it."""
    monkeypatch.setattr(stages, "TIDYING", 0.05)

    async def clings() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def starts() -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(clings())
        await asyncio.sleep(0)
        return task

    with Stage() as stage:
        task = stage.run(starts, 5)

    assert not task.done()
    assert not stage.loop.is_closed()
    assert stage.complaints == []


def test_a_loop_that_is_stopped_goes_on(stage: Stage) -> None:
    """Who stops the loop has tried to end the program; the next run has the same loop."""
    before = stage.run(_name, 5)

    async def stops() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)

    with pytest.raises(Escape, match=r"^it stopped the event loop$"):
        stage.run(stops, 5)

    assert stage.run(_name, 5) == before


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_end_is_an_escape(stage: Stage, error: BaseException) -> None:
    """What would end the run comes out as an exception like others, with its cause."""

    async def ends() -> None:
        raise error

    with pytest.raises(Escape) as caught:
        stage.run(ends, 5)

    assert caught.value.__cause__ is error
