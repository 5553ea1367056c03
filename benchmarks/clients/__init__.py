"""The clients that are compared, and where each lives.

A client's module has a class `Client(connections)`, an async context manager that offers, of the
following, what its library offers, through the library's best API and with nothing added:

    await get(url)            the whole body, read into memory: bytes
    lines(url)                each an async context manager that yields an async iterator
    events(url)
    bytes(url, size)          size None: as it arrives
    text(url)
    await count(url)          the floors only: drain the body and return the number of items

A missing method leaves the client out of the rows that need it; so does a coding that is not in
the module's `CODINGS`, or `CUTS = False` where chunks of a size are asked for. No module here
imports another library than its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

CHECKOUT = "checkout"  # the environment that runs the harness


@dataclass(frozen=True)
class Peer:
    """A client: its environment is named after it, unless it is the checkout's own."""

    name: str
    requirements: tuple[str, ...] = ()
    imports: str = ""  # the statement whose time is taken by row `import`
    environment: str = ""
    packages: tuple[str, ...] = ()  # whose versions the report names
    notes: str = ""
    only: tuple[str, ...] = ()  # the modes that it is compared in; (): all that it has

    @property
    def module(self) -> str:
        """The name of its module in this package."""
        return self.name.replace("-", "_").replace("+", "_")

    @property
    def home(self) -> str:
        """The name of its environment."""
        return self.environment or self.name


_ZSTD = "backports.zstd==1.8.0; python_version < '3.14'"
_HTTPX = ("httpx[zstd]==0.28.1",)
_SSE = "httpx-sse==0.4.3"

PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "fasthttp",
            ("-e .[zstd]",),
            "import fasthttp",
            packages=("fasthttp", "httpx", "aiohttp"),
        ),
        Peer("httpx", _HTTPX, "import httpx", packages=("httpx", "httpcore")),
        Peer("httpx2", ("httpx2[zstd]==2.16.2",), "import httpx2", packages=("httpx2",)),
        Peer(
            "aiohttp",
            ("aiohttp==3.14.5", _ZSTD),
            "import aiohttp",
            packages=("aiohttp",),
            notes="lines are bytes with their end, by `StreamReader.readline`",
        ),
        Peer(
            "httpx+aiohttp",
            ("httpx-aiohttp==0.2.0", "aiohttp==3.14.5", *_HTTPX),
            "import httpx_aiohttp",
            packages=("httpx-aiohttp", "httpx", "aiohttp"),
        ),
        Peer("niquests", ("niquests[zstd]==3.21.2",), "import niquests", packages=("niquests",)),
        Peer(
            "curl_cffi",
            ("curl_cffi==0.16.3",),
            "import curl_cffi",
            packages=("curl_cffi",),
            notes="lines are bytes; no backpressure: its queue holds what was not read yet",
        ),
        Peer(
            "pyreqwest",
            ("pyreqwest==0.15.1",),
            "from pyreqwest.client import ClientBuilder",
            packages=("pyreqwest",),
            notes="has threads of its own, pinned to the same core; bytes are buffer objects",
        ),
        Peer("httpx-sse", (*_HTTPX, _SSE), packages=("httpx-sse", "httpx"), only=("events",)),
        Peer(
            "fasthttp-sse",
            ("-e .", _SSE),
            packages=("httpx-sse", "fasthttp"),
            only=("events",),
        ),
        Peer("floor", environment=CHECKOUT, notes="bare asyncio.Protocol, counts bytes"),
        Peer(
            "floor-split",
            environment=CHECKOUT,
            notes="the same, and decodes each block and splits it at LF, chunk framing and all",
        ),
    )
}
FLOORS = ("floor", "floor-split")


def load(name: str) -> ModuleType:
    """Import a client's module; only its own environment can."""
    return import_module(f"benchmarks.clients.{PEERS[name].module}")


def offers(client: Any, mode: str) -> bool:
    """Tell whether a client has a way to do this."""
    return hasattr(client, mode) or hasattr(client, "count")
