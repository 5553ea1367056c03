"""What the caller does in an example, as Python source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spec.vocabulary import raw

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields = dict[str, Any]

# outcome -> how it is read, and the name of what comes of it
READS = {
    "bytes": "body = await response.aread()",
    "text": 'text = "".join([piece async for piece in response.aiter_text()])',
    "lines": "lines = [line async for line in response.aiter_lines()]",
    "events": "events = [event async for event in response.aiter_events()]",
}
SENT = ("sent", "absent", "request-line", "sent-body")
ENDED = {"before": "not begun", "amid": "begun", "after": "finished"}


def call(fields: Fields) -> str:
    """The source of an example's call; empty for one about modes that follow one another."""
    if "gives" in fields:
        return ""
    return "\n".join([*_session(fields), *_requests(fields)])


def modes(fields: Fields) -> tuple[str, str]:
    """Of an example about modes that follow one another: what comes first, and what is tried."""
    first = ", ".join(f"{mode}()" for mode in _listed(fields["first"]))
    progress = " or ".join(ENDED[word] for word in _listed(fields["progress"]))
    return f"{first}, {progress}", ", ".join(f"{mode}()" for mode in _listed(fields["then"]))


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _session(fields: Fields) -> Iterator[str]:
    given = {
        **({"base_url": fields["base_url"]} if fields.get("base_url") is not None else {}),
        **fields.get("session", {}),
    }
    if given:
        yield f"AsyncSession({_arguments(given)})"


def _requests(fields: Fields) -> Iterator[str]:
    if "earlier" in fields:
        yield f"{_request(fields['earlier'])}  # a call before it"
    request = fields.get("request", {})
    if "url" in fields:
        request = {**request, "url": fields["url"]}
    reads = list(_reads(fields))
    if reads and not request:
        yield from reads
    elif reads:
        yield f"async with {_request(request)} as response:"
        yield from (f"    {read}" for read in reads)
    else:
        yield _request(request)


def _request(request: Fields) -> str:
    given = dict(request)
    name = given.pop("call", "stream")
    method = [given.pop("method", "GET")] if name in ("stream", "request") else []
    if isinstance(given.get("content"), str):
        given["content"] = raw(given["content"])
    target = repr(given.pop("url")) if "url" in given else "url"
    words = [*map(repr, method), target, *filter(None, [_arguments(given)])]
    wait = "" if name in ("stream", "events") else "await "
    return f"{wait}session.{name}({', '.join(words)})"


def _reads(fields: Fields) -> Iterator[str]:
    if "chunk-size" in fields:
        yield f"chunks = [chunk async for chunk in response.aiter_bytes({fields['chunk-size']!r})]"
    if "chunks" in fields:
        size = fields["chunks"]["size"]
        yield f"chunks = [chunk async for chunk in response.aiter_bytes({size})]"
    found = [read for key, read in READS.items() if key in fields]
    yield from found
    if "error" in fields and not found and "chunks" not in fields:
        yield READS["bytes"]  # every mode raises; one stands for them


def _arguments(given: Fields) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in given.items())
