"""Every Python block of the README and of the pages runs, and prints what its page shows.

How blocks are run is said in tests/docs_run.py, what the servers answer in tests/docs_world.py.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from conformance.tape import Tape
from tests.docs_run import ROOT, blocks, missing, shown
from tests.docs_world import HOSTS, WORLDS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [
    page.relative_to(ROOT).as_posix()
    for page in PAGES
    if "generated" not in page.parts and "```python" in page.read_text()
]


class Front:
    """Terminates TLS before the tape: an HTTPS server that hands everything on."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context, self._behind = context, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls", daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        return int(self._server.sockets[0].getsockname()[1])

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._behind)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, ahead), self._pump(behind, writer))
        ahead.transport.abort()
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except (OSError, ssl.SSLError):
            writer.transport.abort()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    authority, file = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return authority, file


@pytest.fixture
def tape() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


@pytest.fixture
def secure(tape: Tape, authority: tuple[trustme.CA, Path]) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert(*HOSTS).configure_cert(context)
    with Front(context, tape.port) as port:
        yield port


def run(page: Path, cwd: Path, ca: Path, **ports: int) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    paths = {key.removeprefix("port_"): port for key, port in ports.items()}
    return subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "tests/docs_run.py"), str(page)],
        cwd=cwd,
        env=kept
        | {
            "DOCS_PORTS": json.dumps(paths),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT),
            "SSL_CERT_FILE": str(ca),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_blocks_run(
    name: str, tape: Tape, secure: int, authority: tuple[trustme.CA, Path], tmp_path: Path
) -> None:
    """The blocks of a page run one after the other, and print what the page shows."""
    world = WORLDS.get(name)
    if world is not None:
        world(tape, tmp_path)

    plain = tape.port
    ports = {"port_443": secure, "port_80": plain, "port_8000": plain, "port_3128": plain}
    done = run(ROOT / name, tmp_path, authority[1], **ports)

    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert tape.unexpected == []
    if done.stdout:
        pytest.skip(done.stdout.strip())


@pytest.mark.parametrize("name", NAMES)
def test_blocks_not_run_say_why(name: str) -> None:
    """What is not run has a reason, and every comment above a block is one that is known."""
    for block in blocks((ROOT / name).read_text()):
        assert block.comment in {"", "output"} or block.reason, f"{name}, line {block.line}"
        assert block.comment != "output" or block.kind == "text", f"{name}, line {block.line}"


def test_a_page_that_is_wrong(
    tape: Tape, authority: tuple[trustme.CA, Path], tmp_path: Path
) -> None:
    """A block that fails, and an output that differs, each fail the page and say the line."""
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n<!-- output -->\n```text\n2\n```\n")
    differs = run(page, tmp_path, authority[1])
    page.write_text("# Title\n\n```python\nawait nothing\n```\n")
    fails = run(page, tmp_path, authority[1])

    assert differs.returncode == fails.returncode == 1
    assert "page.md, line 7: the page shows\n2\n\nbut this is\n1\n" in differs.stderr
    assert 'File "page.md", line 4' in fails.stderr


def test_a_page_stays_on_this_machine(
    tape: Tape, authority: tuple[trustme.CA, Path], tmp_path: Path
) -> None:
    """An address that is not led to the servers here is not connected to."""
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nfrom fasthttp import AsyncSession\n\n"
        "async with AsyncSession(security=False) as session:\n"
        '    await session.get("http://192.0.2.1/")\n```\n'
    )

    done = run(page, tmp_path, authority[1], port_80=tape.port)

    assert done.returncode == 1
    assert "would leave this machine, for ('192.0.2.1', 80)" in done.stderr


def test_how_blocks_are_found() -> None:
    """Blocks in tabs lose their indent, an include is the file, a comment belongs to one block."""
    page = (
        '=== "Tab"\n\n    <!-- not run: why -->\n'
        "    ```python\n    if 1:\n        pass\n    ```\n\n"
        '```python\n--8<-- "examples/chat.py"\n```\n'
    )
    first, second = blocks(page)

    assert (first.source, first.line, first.reason) == ("if 1:\n    pass\n", 5, "why")
    assert (second.source.rstrip(), second.reason) == (
        (ROOT / "examples/chat.py").read_text().rstrip(),
        None,
    )


def test_how_output_is_compared() -> None:
    """The whole text counts, but for what an ellipsis stands for."""
    assert shown("took 12 ms\n", "took … ms\n")
    assert not shown("took 12 ms\nmore in 3 ms\n", "took … ms\n")
    assert shown("a\nb\nc\nd\n", "a\n…\nd\n")
    assert not shown("a\nb\n", "a\n")
    assert missing("import json, nowhere.to.be.found") == ["nowhere"]
