"""The recorded responses under cassettes/, read into plain values.

`names()` lists them, `load("httpbin/stream-5")` gives the interactions of one file, in the order
of their recording. The files are vcrpy's YAML; reading them takes no vcrpy. Header names and values
and the body's bytes are as the server sent them (content codings not undone); the body is joined,
without its transfer coding: how it arrives is for a delivery to decide.
"""

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

DIRECTORY = Path(__file__).resolve().parent.parent / "cassettes"

Headers = tuple[tuple[str, str], ...]

FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})

# libyaml reads the large files about fifteen times faster; PyYAML may be built without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CassetteError(Exception):
    """There is no such cassette, or its file is not a cassette."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the recorder sent."""

    method: str
    url: str
    headers: Headers
    body: bytes

    @property
    def target(self) -> str:
        """The path and query, as they stand in a request line."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class Response:
    """What the server answered."""

    status: int
    reason: str
    headers: Headers
    body: bytes

    @property
    def entity_headers(self) -> Headers:
        """The headers without those that frame the message, so that it can be framed anew."""
        return tuple(pair for pair in self.headers if pair[0].lower() not in FRAMING)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and its response; `name` is the cassette's."""

    name: str
    request: Request
    response: Response

    def __str__(self) -> str:
        return f"{self.name}: {self.request.method} {self.request.target} -> {self.response.status}"


@cache
def names() -> tuple[str, ...]:
    """The names of all cassettes, sorted: the path below cassettes/ without its suffix."""
    files = DIRECTORY.glob("*/*.yaml")
    return tuple(sorted(file.relative_to(DIRECTORY).with_suffix("").as_posix() for file in files))


@cache
def load(name: str) -> tuple[Interaction, ...]:
    """The interactions of the cassette `name`.

    Raises:
        CassetteError: no cassette has this name (similar ones are listed), or it is malformed.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
        hint = f"near to it: {', '.join(near)}" if near else f"{len(names())} cassettes are there"
        raise CassetteError(f"there is no cassette {name!r} in {DIRECTORY}; {hint}")
    return read(DIRECTORY / f"{name}.yaml", name)


def read(path: Path, name: str) -> tuple[Interaction, ...]:
    """The interactions of one file, wherever it is.

    Raises:
        CassetteError: the file is not a cassette; the message names the file and the place in it.
    """
    try:
        document = yaml.load(path.read_bytes(), Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise CassetteError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    interactions = _field(document, "interactions", list, f"{path}")
    return tuple(
        _interaction(name, entry, f"{path}, interaction {number}")
        for number, entry in enumerate(interactions, start=1)
    )


def _interaction(name: str, entry: Any, where: str) -> Interaction:
    request = _field(entry, "request", dict, where)
    response = _field(entry, "response", dict, where)
    return Interaction(
        name, _request(request, f"{where}, request"), _response(response, f"{where}, response")
    )


def _request(fields: dict[str, Any], where: str) -> Request:
    return Request(
        method=_field(fields, "method", str, where),
        url=_field(fields, "uri", str, where),
        headers=_headers(fields, where),
        body=_bytes(fields.get("body"), f"{where}.body"),
    )


def _response(fields: dict[str, Any], where: str) -> Response:
    status = _field(fields, "status", dict, where)
    body = _field(fields, "body", dict, where)
    return Response(
        status=_field(status, "code", int, f"{where}.status"),
        reason=_field(status, "message", str, f"{where}.status"),
        headers=_headers(fields, where),
        body=_bytes(body.get("string"), f"{where}.body.string"),
    )


def _headers(fields: dict[str, Any], where: str) -> Headers:
    by_name = _field(fields, "headers", dict, where)
    place = f"{where}.headers"
    return tuple((name, value) for name in by_name for value in _values(by_name, name, place))


def _values(by_name: dict[str, Any], name: str, where: str) -> list[str]:
    values: list[Any] = _field(by_name, name, list, where)
    for value in values:
        if not isinstance(value, str):
            raise CassetteError(f"{where}.{name} holds {value!r}, not a string")
    return values


def _bytes(value: Any, where: str) -> bytes:
    """A body: bytes where it is not UTF-8, text where it is, null where there is none."""
    if isinstance(value, bytes):
        return value
    if value is None or isinstance(value, str):
        return (value or "").encode()
    raise CassetteError(f"{where} is {type(value).__name__}, not text or binary")


def _field(fields: Any, key: str, kind: type, where: str) -> Any:
    if not isinstance(fields, dict):
        raise CassetteError(f"{where} is {type(fields).__name__}, not a mapping")
    if key not in fields:
        raise CassetteError(f"{where} has no {key}")
    if not isinstance(fields[key], kind):
        found = type(fields[key]).__name__
        raise CassetteError(f"{where}.{key} is {found}, not {kind.__name__}")
    return fields[key]
