"""Faults in what security=True adds."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from ipaddress import ip_address, ip_network
from typing import Any

import httpx

from fasthttp import AiohttpTransport, BlockedAddress, Response
from fasthttp.exchange import Exchange
from fasthttp.urls import origin
from spec.oracles.security import forbidden
from tests.saboteurs import Sabotaged, saboteur

TAKES = Exchange.receive
NO_LIMIT = 2**40


def literal(request: httpx.Request) -> Any:
    """The host as an address; None for a name."""
    try:
        return ip_address(request.url.host.partition("%")[0])
    except ValueError:
        return None


async def looked_up(request: httpx.Request) -> list[Any]:
    """The addresses of the host, asked for beside the client's own look-up."""
    loop, url = asyncio.get_running_loop(), request.url
    found = await loop.getaddrinfo(url.host, url.port or 80, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in found]


class Slipping(Sabotaged):
    """With security on, what `slips` goes by a transport that has no guard."""

    def __init__(self, *, security: Any = True, **arguments: Any) -> None:
        super().__init__(security=security, **arguments)
        self.on = security is not False
        self.allow = [] if isinstance(security, bool) else list(security.allow)
        self.loose = AiohttpTransport(security=False)

    async def close(self) -> None:
        await super().close()
        await self.loose.aclose()

    async def slips(self, request: httpx.Request) -> bool:
        return False

    async def _exchange(self, request: httpx.Request) -> Response:
        if not self.on or not await self.slips(request):
            return await super()._exchange(request)
        guarded, self._transport = self._transport, self.loose
        try:
            return await super()._exchange(request)
        finally:
            self._transport = guarded


# Addresses


@saboteur("security-loopback")
class ComparesTexts(Slipping):
    """Numbers that the standard library takes for no address are names to it (B93)."""

    async def slips(self, request: httpx.Request) -> bool:
        return literal(request) is None and not re.search("[g-w]", request.url.host)


@saboteur("security-ranges")
class IsPrivate(Slipping):
    """What is not private by Python's word is public: carrier-grade NAT and multicast, too."""

    async def slips(self, request: httpx.Request) -> bool:
        address = literal(request)
        return address is not None and address.version == 4 and not address.is_private


@saboteur(
    "security-ranges",
    "security-embedded",
    "security-loopback",
    "security-redirects",
    "security-message",
    "security-allow",
)
class HalfOfIPv6(Slipping):
    """Of IPv6 it knows what is loopback, multicast or link-local (B91)."""

    async def slips(self, request: httpx.Request) -> bool:
        a = literal(request)
        known = a is None or a.is_loopback or a.is_multicast or a.is_link_local
        return not known and a.version == 6


GATEWAYS = [ip_network("64:ff9b::/96"), ip_network("2002::/16")]


@saboteur("security-embedded")
class LooksAtTheOutside(Slipping):
    """What NAT64 and 6to4 carry is not looked at (B91)."""

    async def slips(self, request: httpx.Request) -> bool:
        address = literal(request)
        return address is not None and any(address in network for network in GATEWAYS)


@saboteur("security-public")
class TooWide(Slipping):
    """All of 172.0.0.0/8 is private to it."""

    async def _exchange(self, request: httpx.Request) -> Response:
        if self.on and request.url.host.startswith("172."):
            raise BlockedAddress(request.url.host, request.url.host, "private")
        return await super()._exchange(request)


# Names


@saboteur("security-names", "security-loopback")
class UsualPortsOnly(Slipping):
    """A name is looked up if it is asked for at the usual port."""

    async def slips(self, request: httpx.Request) -> bool:
        return request.url.port is not None and literal(request) is None and not self.allow


@saboteur("security-answers")
class JudgesTheFirst(Slipping):
    """Of several addresses it judges one, and hands all of them on (B90)."""

    async def slips(self, request: httpx.Request) -> bool:
        try:
            found = await looked_up(request)
        except (OSError, ValueError):
            return False
        return len(found) > 1 and not forbidden(str(found[0]))


@saboteur("security-connected")
class LooksUpTwice(Slipping):
    """It judges every address, and then the client looks the name up again (B90)."""

    async def slips(self, request: httpx.Request) -> bool:
        try:
            found = await looked_up(request)
        except (OSError, ValueError):
            return False
        return bool(found) and not any(forbidden(str(address)) for address in found)


@saboteur("security-unresolved")
class FailsOpen(Slipping):
    """When its own look-up fails, the client's decides (B92)."""

    async def slips(self, request: httpx.Request) -> bool:
        try:
            await looked_up(request)
        except (OSError, ValueError):
            return True
        return False


# Calls


@saboteur("security-calls", "security-final")
class StreamIsForgotten(Slipping):
    """`get()` is guarded and `stream()` is not (B89)."""

    def stream(self, *positional: Any, **named: Any) -> Any:
        context = super().stream(*positional, **named)
        context.request.extensions["loose"] = True
        return context

    async def slips(self, request: httpx.Request) -> bool:
        return "loose" in request.extensions


@saboteur("security-calls")
class OneVerbIsForgotten(Slipping):
    """A verb goes its own way."""

    async def slips(self, request: httpx.Request) -> bool:
        return request.method == "OPTIONS"


@saboteur("security-redirects")
class FirstAddressOnly(Slipping):
    """The target of a redirect is not judged (B92)."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is not None:
            request.extensions = {**request.extensions, "loose": True}
        return request

    async def slips(self, request: httpx.Request) -> bool:
        return "loose" in request.extensions


@saboteur("security-final")
class TriesAgain(Sabotaged):
    """A refusal looks like any failure to connect."""

    async def _exchange(self, request: httpx.Request) -> Response:
        try:
            return await super()._exchange(request)
        except BlockedAddress as error:
            raise httpx.ConnectError(str(error), request=request) from error


@saboteur("security-message")
class SaysTooLittle(Sabotaged):
    """The message names neither host nor address."""

    async def _exchange(self, request: httpx.Request) -> Response:
        try:
            return await super()._exchange(request)
        except BlockedAddress as error:
            error.args = ("this address is not allowed",)
            raise


# Exceptions to it


@saboteur("security-allow", "security-allow-names")
class AnyExceptionOpensAll(Slipping):
    """The guard is off as soon as something is allowed."""

    async def slips(self, request: httpx.Request) -> bool:
        return bool(self.allow)


@saboteur("security-allow")
class NeighboursToo(Slipping):
    """Networks are compared by their first number."""

    async def slips(self, request: httpx.Request) -> bool:
        first = request.url.host.partition(".")[0] + "."
        return any(entry.startswith(first) and "/" in entry for entry in self.allow)


@saboteur("security-allow-names")
class EndsLikeThat(Slipping):
    """Every name that ends like an allowed one is let through."""

    async def slips(self, request: httpx.Request) -> bool:
        names = [entry for entry in self.allow if re.search("[g-z]", entry)]
        return any(request.url.host.endswith(name) for name in names)


@saboteur("security-off")
class HalfOff(Slipping):
    """Cloud metadata stays shut, whatever was said."""

    async def _exchange(self, request: httpx.Request) -> Response:
        if not self.on and request.url.host == "169.254.169.254":
            raise BlockedAddress(request.url.host, request.url.host, "link-local")
        return await super()._exchange(request)


@saboteur("security-argument")
class AskedForItsTruth(Sabotaged):
    """Whatever has no `allow` is true or false."""

    def __init__(self, *, security: Any = True, **arguments: Any) -> None:
        super().__init__(
            security=security if hasattr(security, "allow") else bool(security), **arguments
        )


@saboteur("security-checks-stay")
class CleansUpWhenSafe(Slipping):
    """Where the guard is on, headers are cleaned instead of refused."""

    async def request(self, *positional: Any, headers: Any = None, **named: Any) -> Response:
        if self.on and headers is not None:
            headers = {name: value.replace("\0", "") for name, value in headers.items()}
        return await super().request(*positional, headers=headers, **named)


# Credentials


@saboteur("security-credentials")
class TakenAlong(Slipping):
    """The session's headers go wherever a request goes (B85)."""

    async def _exchange(self, request: httpx.Request) -> Response:
        for name, value in self._headers if self.on else ():
            request.headers.setdefault(name, value)
        return await super()._exchange(request)


@saboteur("security-credentials")
class ComparesHosts(TakenAlong):
    """Another port of the same host is home to it."""

    async def _exchange(self, request: httpx.Request) -> Response:
        base = self._base_url
        if base is not None and base.host == request.url.host:
            return await super()._exchange(request)
        return await Slipping._exchange(self, request)


@saboteur("security-credentials-home")
class TakenFromTheCall(Slipping):
    """What the call itself brings is taken away like the session's."""

    async def _exchange(self, request: httpx.Request) -> Response:
        base = self._base_url
        if self.on and base is not None and origin(base) != origin(request.url):
            request.headers.pop("authorization", None)
        return await super()._exchange(request)


@saboteur("security-credentials-home")
class ComparesSpellings(Slipping):
    """Another spelling of home is another origin."""

    def _build(self, method: str, url: httpx.URL, *rest: Any) -> httpx.Request:
        request = super()._build(method, url, *rest)
        if self.on and self._base_url is not None and "localhost" in str(self._base_url):
            request.headers.pop("authorization", None)
        return request


# Redirects


@saboteur("security-userinfo")
class TakesTheName(Sabotaged):
    """A user name in a Location becomes credentials (B93)."""

    async def _following(self, response: Response) -> httpx.Request | None:
        try:
            return await super()._following(response)
        except httpx.RemoteProtocolError:
            url = response.request.url.join(response.headers["location"])
            if not url.userinfo:
                raise
            return httpx.Request("GET", url, extensions=response.request.extensions, content=b"")


@saboteur("security-loop")
class SaysTheNumberOnly(Sabotaged):
    """Where the redirects led is not said."""

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except httpx.TooManyRedirects as error:
            raise httpx.TooManyRedirects("over 20 redirects", request=request) from error


# Floods


@saboteur("security-head")
class AnyHead(Sabotaged):
    """A head is as long as it is."""

    patches = {"fasthttp.http1.MAX_HEAD": NO_LIMIT}


@saboteur("security-header-lines")
class AnyNumber(Sabotaged):
    """Bytes are counted, and lines are not."""

    patches = {"fasthttp.framing.MAX_HEADERS": NO_LIMIT}


@saboteur("security-interim")
class AnyInterim(Sabotaged):
    """Interim responses are skipped, however many."""

    patches = {"fasthttp.http1.MAX_INTERIM": NO_LIMIT}


@saboteur("security-chunk-lines")
class AnyExtension(Sabotaged):
    """The line with a chunk's size is collected until its end."""

    patches = {"fasthttp.framing.MAX_CHUNK_LINE": NO_LIMIT}


@saboteur("security-chunk-lines")
class AnyTrailers(Sabotaged):
    """Trailers are collected until their end."""

    patches = {"fasthttp.framing.MAX_HEAD": NO_LIMIT}


@saboteur("security-pending")
class AnyLine(Sabotaged):
    """A line is kept for as long as it grows (B18)."""

    async def _exchange(self, request: httpx.Request) -> Response:
        response = await super()._exchange(request)
        response.max_pending = None
        return response


def wakes_always(exchange: Exchange, data: bytes) -> None:
    """Take bytes, and let whoever waits for a head begin to wait anew."""
    TAKES(exchange, data)
    exchange.wake()


@saboteur("security-slow-head")
class EveryByteCounts(Sabotaged):
    """The read timeout starts anew with each byte of a head."""

    patches = {"fasthttp.exchange.Exchange.receive": wakes_always}


# Secrets


@saboteur("security-secrets-errors")
class SaysTheUrl(Sabotaged):
    """Every message has the whole url."""

    async def _exchange(self, request: httpx.Request) -> Response:
        try:
            return await super()._exchange(request)
        except httpx.RequestError as error:
            error.args = (f"{error} ({request.url})",)
            raise


@saboteur("security-secrets-repr")
class ShowsItsHeaders(Sabotaged):
    """The session's headers are in its repr."""

    def __repr__(self) -> str:
        return f"<AsyncSession headers={self._headers}>"


@saboteur("security-secrets-logs")
class LogsTheUrl(Sabotaged):
    """A log line has the url as it was asked for."""

    async def _exchange(self, request: httpx.Request) -> Response:
        logging.getLogger("fasthttp").debug("%s %s", request.method, request.url)
        return await super()._exchange(request)
