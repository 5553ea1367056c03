"""Where a request goes: absolute URLs, and relative ones below `base_url` (chapter urls)."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import cast
from urllib.parse import unquote

import httpx

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_ABSOLUTE = re.compile(r"([^:]*://[^/?#]*)([^?#]*)(.*)", re.DOTALL)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")  # no escape, so it has to be one
_HOST = re.compile(r"[a-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z._~%-]+)?")
_PORT = re.compile(r":([^:/\]]*)$")
_START = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*:)?(//)?")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|^ | $")


def parse_base_url(base_url: str | None) -> httpx.URL | None:
    """Check `base_url`; raise `ValueError` unless it is absolute http(s), no query, no fragment."""
    if base_url is None:
        return None
    if not isinstance(base_url, str):
        raise TypeError(f"base_url must be a str, not {type(base_url).__name__}")
    try:
        url = absolute(base_url)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
        raise ValueError(f"base_url {shown(base_url)!r}: {exc}") from None
    if "?" in base_url or "#" in base_url:
        raise ValueError(f"base_url {shown(base_url)!r} must have no query and no fragment")
    return url


def resolve(base_url: httpx.URL | None, url: str) -> httpx.URL:
    """Return the absolute URL that `url` means (urls-*).

    Raises `httpx.InvalidURL` for what cannot be asked safely and `httpx.UnsupportedProtocol`
    for a scheme other than http and https, or for a relative URL without a `base_url`.
    """
    if _SCHEME.match(url):
        return absolute(url)
    _check_characters(url)
    if url.startswith("//"):
        raise httpx.InvalidURL(
            f"{shown(url)!r} names a host without a scheme: write the scheme too"
        )
    if base_url is None:
        raise httpx.UnsupportedProtocol(
            f"{shown(url)!r} is a relative URL and the session has no base_url: "
            "give an absolute http:// or https:// URL, or AsyncSession(base_url=...)"
        )
    return _below(base_url, url)


def absolute(url: str) -> httpx.URL:
    """Parse an absolute http or https URL, the scheme in any case."""
    _check_characters(url)
    scheme = url.partition(":")[0].lower()
    if scheme not in {"http", "https"} or ":" not in url:
        raise httpx.UnsupportedProtocol(f"{shown(url)!r} does not start with http:// or https://")
    parts = _ABSOLUTE.fullmatch(url)
    start, path, rest = parts.groups() if parts else ("", "", "")
    try:
        parsed = httpx.URL(start + _LONE_PERCENT.sub("%25", _without_dots(path) + rest))
    except httpx.InvalidURL as exc:
        # It quotes what it takes for a port, and that may be half a password.
        why = "user name, host or port" if "@" in url else exc
        raise httpx.InvalidURL(f"{shown(url)!r} cannot be read: {why}") from None
    _check_authority(url, start, parsed)
    return parsed.copy_with(fragment=None) if parsed.fragment else parsed


def with_params(url: httpx.URL, params: object) -> httpx.URL:
    """Add `params` (as httpx takes them) behind the query that `url` has, which stays as it is."""
    if params is None:
        return url
    added = str(httpx.QueryParams(params)).encode("ascii")  # type: ignore[arg-type] # httpx checks
    if not added:
        return url
    return url.copy_with(query=url.query + b"&" + added if url.query else added)


def shown(url: httpx.URL | str) -> str:
    """Return a URL for messages and logs: no user name, no password, no value of its query.

    A str may be no URL at all; then rather too much is left out.
    """
    if isinstance(url, httpx.URL):
        bare = str(url.copy_with(userinfo=b"")) if url.userinfo else str(url)
        place, mark, query = bare.partition("#")[0].partition("?")
    else:
        place, mark, query = url.replace("#", "?").partition("?")
        start = cast("re.Match[str]", _START.match(place))[0]
        if "@" in query:  # the mark may be a part of a password
            return f"{start}***"
        if "@" in place:
            place = f"{start}***@{place.rpartition('@')[2]}"
    if not mark:
        return place
    pieces = (piece.partition("=") for piece in query.split("&"))
    return f"{place}?{'&'.join(f'{name}=***' if sign else '***' for name, sign, _ in pieces)}"


def origin(url: httpx.URL) -> tuple[str, bytes, int]:
    """Return scheme, host and port: what two URLs share if credentials may go to both."""
    default = 443 if url.scheme == "https" else 80
    return url.scheme, url.raw_host, default if url.port is None else url.port


def _check_authority(url: str, start: str, parsed: httpx.URL) -> None:
    """Refuse what two parsers may take for different hosts, or ports."""
    host = parsed.raw_host.decode("ascii")
    if not host:
        raise httpx.InvalidURL(f"{shown(url)!r} has no host")
    if not _HOST.fullmatch(host):
        raise httpx.InvalidURL(f"{shown(url)!r} has a host with characters that none can have")
    port = _PORT.search(start.rpartition("@")[2])
    if port is not None and not (port[1].isascii() and f"0{port[1]}".isdigit()):
        raise httpx.InvalidURL(f"{shown(url)!r} has a port that is no number")
    if (parsed.port or 0) > 65535:
        raise httpx.InvalidURL(f"{shown(url)!r} has port {parsed.port}, the greatest is 65535")


def _check_characters(url: str) -> None:
    if bad := _FORBIDDEN.search(url):
        raise httpx.InvalidURL(
            f"{shown(url)!r} has {bad[0]!r} at position {bad.start()}: percent-encode it"
        )


def _below(base_url: httpx.URL, url: str) -> httpx.URL:
    """Append `url` to the path of `base_url`, with exactly one slash between the two."""
    reference = _LONE_PERCENT.sub("%25", url.partition("#")[0])
    path, mark, query = reference.partition("?")
    if _climbs(path.removeprefix("/").split("/")):
        raise httpx.InvalidURL(
            f"{shown(url)!r} climbs above the path of base_url {shown(base_url)!r}"
        )
    base = str(base_url)
    joined = base.rstrip("/") + _without_dots("/" + path.lstrip("/")) if path else base
    return httpx.URL(joined + mark + query)


def _climbs(segments: list[str]) -> bool:
    steps = {".": 0, "..": -1}
    return min(accumulate(steps.get(unquote(segment), 1) for segment in segments)) < 0


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986, 5.2.4); httpx would drop the slash that `a/..` leaves."""
    *segments, last = path.split("/")
    kept: list[str] = []
    for segment in segments if last not in {".", ".."} else [*segments, last]:
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]  # but never the empty one before the first slash
        elif segment != ".":
            kept.append(segment)
    return "/".join([*kept, "" if last in {".", ".."} else last])
