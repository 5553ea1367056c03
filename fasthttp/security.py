"""What `security=True` means: addresses that are never connected to, and how much may be pending.

The guard judges the very address that a socket is about to be connected to (chapter security).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from . import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$")
_LONGEST = 254  # characters of a host name, a dot at its end included (RFC 1035, 2.3.4)
_UNKNOWN = "not an address that can be judged"


class BlockedAddress(httpx.ConnectError):
    """The address guard refused to connect; nothing was sent.

    Its arguments are its attributes.

    Args:
        host: the host of the URL, or of the proxy.
        address: the address that it has.
        rule: why this address is not connected to.
        proxy: whether it is the proxy's.
        request: the request, if known.

    Requirements: security-*.
    """

    def __init__(
        self,
        host: str,
        address: str,
        rule: str,
        proxy: bool = False,
        *,
        request: httpx.Request | None = None,
    ) -> None:
        super().__init__(
            f"no connection to {'proxy ' if proxy else ''}{host!r}: {address} is refused, {rule}; "
            "fasthttp.Security(allow=[...]) makes exceptions",
            request=request,
        )
        self.host = host
        self.address = address
        self.rule = rule
        self.proxy = proxy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.host, self.address, self.rule, self.proxy), self.__dict__


@dataclass(frozen=True)
class Security:
    """How safe a session is to be; `security=True` is `Security()`.

    Args:
        allow: what the address guard lets through all the same: networks and addresses, by the
            address that is connected to; host names, exactly as they are asked for, in ASCII
            (`xn--` and so on for an international one).
        max_pending: the characters that one line, or one event, may have before its end has come.

    Raises:
        ValueError: an entry of `allow`, or a `max_pending`, that cannot be right, named.
        TypeError: an argument of another type.

    Requirements: security-*.
    """

    allow: Sequence[str] = ()
    max_pending: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if isinstance(self.allow, str | bytes) or not isinstance(self.allow, Iterable):
            raise TypeError(f"security: allow must be a list of str, not {self.allow!r}")
        object.__setattr__(self, "allow", tuple(self.allow))
        if isinstance(self.max_pending, bool) or not isinstance(self.max_pending, int):
            raise TypeError(f"security: max_pending must be an int, not {self.max_pending!r}")
        if self.max_pending < 1:
            raise ValueError(f"security: max_pending is {self.max_pending}, give at least 1")
        Guard(self)  # refuses now what cannot be right

    @classmethod
    def of(cls, given: object) -> Security | None:
        """Return what an argument `security` means; None: no guard, and no limits.

        Args:
            given: True, False, a `Security`, or any object that has its `allow`.

        Raises:
            TypeError: anything else.
            ValueError: an attribute that cannot be right.
        """
        if isinstance(given, bool):
            return cls() if given else None
        if isinstance(given, cls):
            return given
        if isinstance(given, type) or not hasattr(given, "allow"):
            raise TypeError(f"security must be True, False or a Security, not {given!r}")
        return cls(given.allow, getattr(given, "max_pending", cls.max_pending))


class RefusedError(OSError):
    """What the guard raises where a socket would be made; `blocked` is what the caller is told."""

    def __init__(self, host: str, address: str, rule: str) -> None:
        super().__init__(f"{address} is refused, {rule}")
        self._told = (host, address, rule)

    def blocked(self, *, proxy: bool) -> BlockedAddress:
        """Return the error for one request, whether the host is its proxy's or not."""
        return BlockedAddress(*self._told, proxy)


class Guard:
    """Judges addresses by the table, and by what is allowed nevertheless."""

    def __init__(self, security: Security) -> None:
        entries = [_entry(entry) for entry in security.allow]
        self._hosts = frozenset(entry for entry in entries if isinstance(entry, str))
        self._networks = [entry for entry in entries if not isinstance(entry, str)]

    @classmethod
    def of(cls, given: object) -> Guard | None:
        """Return the guard that an argument `security` asks for; raises as `Security.of()`."""
        security = Security.of(given)
        return None if security is None else cls(security)

    def check(self, host: str, address: str) -> None:
        """Raise `RefusedError` unless a socket may be connected to `address`, which `host` has."""
        if host in self._hosts:
            return
        try:
            parsed = addresses.parse(address)
        except ValueError:
            raise RefusedError(host, address, _UNKNOWN) from None
        rule = addresses.refusal(parsed)
        if rule is not None and not any(parsed in network for network in self._networks):
            raise RefusedError(host, address, rule)

    def sockets(self, host: Callable[[], str]) -> Callable[[Any], socket.socket]:
        """Return what makes a socket for an address, as getaddrinfo gives it, that `host()` has.

        It raises `RefusedError` for one that must not be connected to.
        """

        def make(found: Any) -> socket.socket:
            self.check(host(), found[4][0])
            return socket.socket(*found[:3])

        return make

    def permitted(self, host: str, found: list[Any]) -> list[Any]:
        """Return those of the found addresses that pass `check()`; they are as getaddrinfo's.

        Raises `RefusedError` if there were some, and none of them does.
        """
        permitted: list[Any] = []
        refused: RefusedError | None = None
        for info in found:
            try:
                self.check(host, info[4][0])
            except RefusedError as exc:
                refused = refused or exc
            else:
                permitted.append(info)
        if refused is not None and not permitted:
            raise refused
        return permitted


def _entry(entry: str) -> str | addresses.Network:
    """Return a host name, or the network that an entry of `allow` is."""
    if not isinstance(entry, str):
        raise TypeError(f"security: {entry!r} in allow must be a str")
    try:
        network = addresses.network(entry)
    except ValueError as exc:
        name = entry.lower()
        if not _HOST_NAME.fullmatch(name) or _ENDS_IN_A_NUMBER.search(name) or len(name) > _LONGEST:
            raise ValueError(
                f"security: {entry!r} in allow is no network, address or host name: {exc}"
            ) from exc
        return name
    if "%" in entry:
        raise ValueError(f"security: {entry!r} in allow has a zone, which is not looked at")
    return network
