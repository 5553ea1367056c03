"""The headers that the caller's two mappings put on the wire (chapter headers)."""

import re
from collections.abc import Mapping

from spec.oracles import Refused

Headers = Mapping[str, str | None]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")


def merge(session: Headers | None, request: Headers | None) -> list[tuple[str, str]]:
    """Lower-case names and values in order: the session's, then the request's new ones as given."""
    own, given = _pairs(session), _pairs(request)
    named = {name for name, _ in given}
    seen: set[str] = set()
    chosen: list[tuple[str, str | None]] = []
    for name, value in own:
        if name not in named:
            chosen.append((name, value))
        elif name not in seen:
            chosen += [pair for pair in given if pair[0] == name]
        seen.add(name)
    chosen += [pair for pair in given if pair[0] not in seen]
    return [(name, value) for name, value in chosen if value is not None]


def _pairs(headers: Headers | None) -> list[tuple[str, str | None]]:
    for name, value in (headers or {}).items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value or ""):
            raise Refused("ValueError", f"header {name!r}: {value!r}")
    return [(name.lower(), value) for name, value in (headers or {}).items()]
