"""Runs the Python blocks of one page, as a reader would who types them in one after the other.

    python tests/docs_run.py PAGE        (tests/test_docs.py does, with a server on loopback)

The blocks of a page share one namespace. A block may await outside a function, as in
`python -m asyncio`. What stands in the page is what runs: not the text of a block is changed but
where its connections go. Names resolve to documentation hosts with a public address, and what
connects to one is led to the ports in the environment variable DOCS_PORTS.

Two comments directly above a block say more about it:

    <!-- not run: reason -->    above ```python: the block is only compiled
    <!-- output -->             above ```text: what the last block printed; … stands for anything
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import errno
import inspect
import io
import json
import os
import re
import socket
import sys
from asyncio.selector_events import BaseSelectorEventLoop
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

ROOT = Path(__file__).resolve().parent.parent
HOST, CLOSED, SILENT = "93.184.215.14", "93.184.215.15", "93.184.215.16"

_FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<comment>[^\n]*?) -->\n+ *)?"
    r"```(?P<kind>\w+)[^\n]*\n(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_INCLUDE = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)


class Block(NamedTuple):
    """One fenced block of a page."""

    kind: str
    source: str
    line: int  # of the page, where the source begins
    comment: str  # what the comment above says, or ""

    @property
    def reason(self) -> str | None:
        """Why it is not run; None: it is."""
        return self.comment[9:].strip() if self.comment.startswith("not run:") else None


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in order, files that they include included."""
    for found in _FENCE.finditer(page):
        indent = len(found["indent"])
        lines = [line[indent:] for line in found["body"].split("\n")]
        source = _INCLUDE.sub(lambda name: (ROOT / name[1]).read_text(), "\n".join(lines))
        line = page.count("\n", 0, found.start("body")) + 1
        yield Block(found["kind"], source, line, found["comment"] or "")


def missing(source: str) -> list[str]:
    """The packages that the source imports and that are not installed."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return sorted(name for name in names if find_spec(name) is None)


def shown(printed: str, expected: str) -> bool:
    """Whether this is what a page shows; … there stands for anything, on its own for lines."""
    lines = [
        "(?s:.*?)" if line == "…" else re.escape(line).replace("…", "[^\n]*")
        for line in expected.rstrip().split("\n")
    ]
    return re.fullmatch("\n".join(lines), printed.rstrip()) is not None


def lead_to(ports: dict[str, int]) -> None:
    """Have every name resolve, and connections end where `ports` says."""
    addresses = {"localhost": "127.0.0.1", "down.example.com": CLOSED, "far.example.com": SILENT}
    really, connect = socket.getaddrinfo, BaseSelectorEventLoop.sock_connect

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not re.fullmatch(r"[\d.]+|[\da-f:]*:[\da-f:.]*", name):
            name = addresses.get(name, HOST)
        return really(name, port, *args, **kwargs)

    async def sock_connect(loop: BaseSelectorEventLoop, sock: socket.socket, address: Any) -> None:
        if address[0] == SILENT:
            await asyncio.Event().wait()
        if address[0] == CLOSED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address}")
        if address[0] in {HOST, "127.0.0.1"} and str(address[1]) in ports:
            address = ("127.0.0.1", ports[str(address[1])])
        if not address[0].startswith("127."):
            raise AssertionError(f"a program of the page would leave this machine, for {address}")
        await connect(loop, sock, address)

    socket.getaddrinfo = getaddrinfo
    BaseSelectorEventLoop.sock_connect = sock_connect  # type: ignore[method-assign]


async def typed_in(code: CodeType, namespace: dict[str, Any]) -> None:
    """Run a block inside the event loop, as `python -m asyncio` does."""
    made = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:
        await made


def run(name: str, page: str) -> list[str]:
    """Run the blocks; return the packages for want of which the rest of them was not run."""
    namespace: dict[str, Any] = {"__name__": "page"}
    out, start = io.StringIO(), 0
    with asyncio.Runner() as runner, contextlib.redirect_stdout(out):
        for block in blocks(page):
            where = f"{name}, line {block.line}"
            if block.kind == "python":
                source = "\n" * (block.line - 1) + block.source
                code = compile(source, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                if block.reason is not None:
                    continue
                if lacking := missing(block.source):
                    return lacking
                start = len(out.getvalue())
                if "asyncio.run(" in block.source:
                    exec(code, namespace)
                else:
                    runner.run(typed_in(code, namespace))
            elif block.comment == "output":
                printed = out.getvalue()[start:]
                if not shown(printed, block.source):
                    raise SystemExit(
                        f"{where}: the page shows\n{block.source}\nbut this is\n{printed}"
                    )
    return []


if __name__ == "__main__":
    path = Path(sys.argv[1])
    lead_to(json.loads(os.environ["DOCS_PORTS"]))
    if lacking := run(path.name, path.read_text()):
        print("not installed:", ", ".join(lacking))
