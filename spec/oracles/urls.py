"""The address that a call requests (chapter urls): RFC 3986 split, appended below the base.

`resolve` gives scheme, authority, path and query as they are requested: no fragment, in ASCII.
What standards differ on stands as it is: caret, bar and square brackets.
"""

import re
from urllib.parse import quote

from spec.oracles import Refused

_SCHEME, _AUTHORITY = r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?", r"(?://([^/?#]*))?"
_PARTS = re.compile(_SCHEME + _AUTHORITY + r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]|^ | $")
_UNSAFE = r'%(?![0-9A-Fa-f]{2})|[^!-~]|["<>]'


def resolve(base_url: str | None, url: str) -> str:
    """The absolute URL that is requested; raises Refused for what has to be refused."""
    origin, root = _base(base_url) if base_url is not None else ("", "")
    scheme, authority, path, query, _ = _split(url, "InvalidURL")
    if scheme is not None and scheme.lower() not in ("http", "https"):
        raise Refused("UnsupportedProtocol", f"{url!r} is for {scheme}")
    if scheme is None and authority is not None:
        raise Refused("InvalidURL", f"{url!r} names a host but no scheme")
    if scheme is not None:
        if not authority:
            raise Refused("InvalidURL", f"{url!r} has no host")
        if not _has_port_or_none(authority):
            raise Refused("InvalidURL", f"{url!r} has a port that is none")
        return f"{scheme.lower()}://{authority}{_tidy(path)}{_query(query)}"
    if not origin:
        raise Refused("UnsupportedProtocol", f"{url!r} is relative, and there is no base_url")
    if path:
        root = root.rstrip("/") + _below(path.removeprefix("/"))
    return origin + root + _query(query)


def _has_port_or_none(authority: str) -> bool:
    """Whether what follows the host is nothing, or the number of a port."""
    found = re.fullmatch(r"(\[.*\]|[^:]*)(:[0-9]{0,5})?", authority.rpartition("@")[2])
    return found is not None and int((found[2] or ":")[1:] or 0) < 2**16


def _split(url: str, kind: str) -> tuple[str | None, str | None, str, str | None, str | None]:
    parts = _PARTS.fullmatch(url)
    if parts is None or _FORBIDDEN.search(url):
        raise Refused(kind, f"{url!r} has a control character, a backslash, or a space at an end")
    return parts[1], parts[2], parts[3], parts[4], parts[5]


def _base(base_url: str) -> tuple[str, str]:
    """The origin and the path of an absolute http(s) URL without query and fragment."""
    scheme, authority, path, query, fragment = _split(base_url, "ValueError")
    absolute = scheme is not None and scheme.lower() in ("http", "https") and authority
    if not absolute or query is not None or fragment is not None:
        raise Refused("ValueError", f"base_url {base_url!r}")
    return f"{str(scheme).lower()}://{authority}", _tidy(path)


def _below(path: str) -> str:
    """The path with its dot segments resolved; it never rises above where it starts."""
    depth = 0
    for segment in path.split("/"):
        plain = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        depth += {".": 0, "..": -1}.get(plain, 1)
        if depth < 0:
            raise Refused("InvalidURL", f"{path!r} climbs above the base")
    return _tidy(path)


def _tidy(path: str) -> str:
    """The path from the root, its dot segments resolved, in ASCII; escapes stay as written."""
    kept: list[str] = []
    *segments, last = path.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        kept = kept[:-1]
    kept.append("" if last in (".", "..") else last)
    return "/" + _ascii("/".join(kept), "[`{}]")


def _query(query: str | None) -> str:
    return _ascii(query or "", r"(?!)")


def _ascii(text: str, more: str) -> str:
    return re.sub(f"{_UNSAFE}|{more}", lambda found: quote(found[0]), text)
