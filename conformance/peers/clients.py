"""The clients that the suite is pointed at, beside the one it lives with.

Each has a folder of its name here. `CLIENTS` says what the folder cannot: which profiles the client
claims, and which rules are left away because the client has no such thing. An iterator that a
client lacks is lent by its adapter, so that what else the client does can be judged; then the rules
about that iterator would judge the adapter, and `without` names them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.subject import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spec.catalogue import Catalogue

HERE = Path(__file__).parent
EVENTS = ("events",)
ALL = (*CLAIMS, "events")


# Rules about `session.events()`, which reconnects; a reader of one response has no such thing.
_RECONNECTING = (
    "events-request",
    "events-last-event-id",
    "events-reconnect",
    "events-reconnect-delay",
    "events-backoff",
    "events-give-up",
    "events-no-content",
    "events-refused",
    "events-reconnect-off",
    "events-close",
)
_RECONNECTING_TRIALS = ("events-no-data-last-id", "events-id-last-id")
_READS_ONE = dict.fromkeys(
    (*_RECONNECTING, *_RECONNECTING_TRIALS), "it reads the events of one response"
)
_DECODES = {**_READS_ONE, "events-content-type": "the decoder is not given the type"}


@dataclass(frozen=True)
class Client:
    """One client: its folder's name, what it is, and by what it is judged."""

    name: str
    package: str  # on PyPI
    about: str
    claims: tuple[str, ...] = CLAIMS
    session: str = ""  # module:attribute; as a rule the folder's own
    ours: bool = False  # needs this checkout's fasthttp
    # chapter, requirement, or a single trial -> why it is not judged by that
    without: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its adapter, its pinned requirements and its baseline are."""
        return HERE / self.name

    @property
    def subject(self) -> str:
        """What the suite is pointed at."""
        return self.session or f"conformance.peers.{self.name}.session:Session"

    def left_away(self, catalogue: Catalogue) -> dict[str, str]:
        """The requirements that it is not judged by, and why."""
        return {
            id_: why
            for id_, found in catalogue.items()
            for name, why in self.without.items()
            if name in (id_, found.chapter)
        }

    def selection(self, catalogue: Catalogue) -> str:
        """The trials that it is judged by, for -k; empty if it is judged by all."""
        chapters = {found.chapter for found in catalogue.values()}
        left = {*self.left_away(catalogue), *(self.without.keys() - chapters)}
        return f"not ({' or '.join(sorted(left))})" if left else ""


_TEXT = {"text": "it has no iterator of text"}
_LINES = {"lines": "it has no iterator of lines", "body-delivered-lines": "the same"}
_RAW = {"bytes-raw": "it has no iterator of undecoded bytes"}
_AWAITED = {"body-not-read": "its content is awaited, so it is never there too early"}

_NO_LIMITS = {"timeouts-pool": "no call waits for a place: its pool has no limit that blocks"}
_KEEPS_NOTHING = {"body-content": "what was read can be asked for inside the block only"}
_NO_DEFAULT = {"text-default": "without a charset it gives bytes; the adapter names UTF-8"}
_ALLOWS_NONE = dict.fromkeys(
    ("security-allow", "security-allow-names", "security-credentials-drawn"),
    "its guard has no list of what it lets through",
)
_FOLLOWS_NONE = dict.fromkeys(
    (
        "session-redirects-followed",
        "session-redirects-history",
        "session-redirects-limit",
        "session-redirects-content",
        "session-redirects-content-type",
        "session-redirects-origin",
        "session-redirects-origin-others",
        "session-cookies-redirected",
        "errors-request-redirects",
        "security-redirects",
        "security-loop",
        "security-userinfo-names-in-a-location",
        "security-secrets-errors",
        "security-secrets-logs",
    ),
    "its sessions follow no redirects, and have no argument for it",
)

CLIENTS = {
    client.name: client
    for client in (
        Client(
            "fasthttp",
            "fasthttp",
            "this project, on its own engine",
            claims=(*ALL, "security"),
            session="fasthttp:AsyncSession",
            ours=True,
        ),
        Client(
            "fasthttp_on_httpx",
            "fasthttp",
            "this project, on httpx.AsyncHTTPTransport",
            claims=ALL,
            ours=True,
        ),
        Client("httpx", "httpx", "httpx.AsyncClient"),
        Client("httpx2", "httpx2", "httpx2.AsyncClient", claims=ALL, without=_READS_ONE),
        Client(
            "aiohttp",
            "aiohttp",
            "aiohttp.ClientSession",
            without={**_TEXT, **_RAW, **_AWAITED},
        ),
        Client(
            "niquests",
            "niquests",
            "niquests.AsyncSession",
            without={**_AWAITED, **_NO_DEFAULT},
        ),
        Client(
            "curl_cffi",
            "curl_cffi",
            "curl_cffi.AsyncSession",
            without={**_TEXT, **_RAW, **_AWAITED},
        ),
        Client(
            "pyreqwest",
            "pyreqwest",
            "pyreqwest.client.Client, with streamed_read_buffer_limit(0)",
            without={**_TEXT, **_LINES, **_RAW, **_AWAITED, **_KEEPS_NOTHING},
        ),
        Client(
            "fasthttp_client",
            "fasthttp-client",
            "the older package with the import name fasthttp",
            claims=(*CLAIMS, "security"),
            without={**_FOLLOWS_NONE, **_NO_LIMITS, **_ALLOWS_NONE},
        ),
        Client("httpx_sse", "httpx-sse", "on httpx", claims=EVENTS, without=_READS_ONE),
        Client("openai", "openai", "its decoder of events, on httpx", EVENTS, without=_DECODES),
        Client(
            "anthropic", "anthropic", "its decoder of events, on httpx", EVENTS, without=_DECODES
        ),
    )
}
