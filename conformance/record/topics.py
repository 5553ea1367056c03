"""What is recorded: one topic a file, each a few requests to one of the servers, in this order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from conformance.record.normalise import NO_UUID


@dataclass(frozen=True)
class Exchange:
    """One request to send."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Topic:
    """One cassette: its name is `<server>/<subject>`."""

    name: str
    exchanges: tuple[Exchange, ...]

    @property
    def server(self) -> str:
        """The name of the server that is asked."""
        return self.name.partition("/")[0]


def get(target: str, headers: Mapping[str, str] | None = None) -> Exchange:
    """A GET."""
    return Exchange("GET", target, headers or {})


def send(method: str, target: str, kind: str, body: bytes) -> Exchange:
    """A request with a body of the media type `kind`."""
    return Exchange(method, target, {"Content-Type": kind}, body)


def chat(model: str) -> Exchange:
    """A request for a streamed chat completion."""
    question: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": "Tell me a story in many scripts."}],
        "stream": True,
    }
    return send("POST", "/v1/chat/completions", "application/json", json.dumps(question).encode())


def redirect(url: str, status: int | None = None) -> str:
    """The target that redirects to `url`."""
    query: dict[str, str | int] = {"url": url} | ({"status_code": status} if status else {})
    return f"/redirect-to?{urlencode(query)}"


ANYTHING = (
    get("/anything?name=value&name=second&empty="),
    send("POST", "/anything", "application/json", b'{"query": "stream this", "limit": 3}'),
    send("PUT", "/anything", "application/octet-stream", bytes(range(256))),
    send("PATCH", "/anything", "text/plain; charset=utf-8", "naïve, 日本語, 🧵\n".encode()),
    send("DELETE", "/anything", "application/x-www-form-urlencoded", b"reason=done&also=two+words"),
)

CHAIN = ("3", "2", "1")

_HTTPBIN: dict[str, tuple[Exchange, ...]] = {
    "absolute-redirect-3": (*(get(f"/absolute-redirect/{n}") for n in CHAIN), get("/get")),
    "anything": ANYTHING,
    "brotli": (get("/brotli"),),
    "bytes": (get("/bytes/1024?seed=7"),),
    "bytes-large": (get("/bytes/100000?seed=11"),),
    "cache": (get("/cache"), get("/cache", {"If-None-Match": NO_UUID}), get("/cache/60")),
    "cookies-set": (
        get("/cookies/set?flavour=oat&size=small"),
        get("/cookies", {"Cookie": "flavour=oat; size=small"}),
    ),
    "deflate": (get("/deflate"),),
    "delay": (get("/delay/0.1"),),
    "drip": (get("/drip?numbytes=20&duration=0.1&delay=0&code=200"),),
    "encoding-utf8": (get("/encoding/utf8"),),
    "etag": (get("/etag/tag-1"), get("/etag/tag-1", {"If-None-Match": "tag-1"})),
    "get": (get("/get?page=2&sort=name"),),
    "gzip": (get("/gzip"),),
    "head": (Exchange("HEAD", "/get"), Exchange("OPTIONS", "/get")),
    "headers": (get("/headers", {"Authorization": "Bearer none", "X-Trace": "a, b"}),),
    "html": (get("/html"),),
    "json": (get("/json"),),
    "range": (get("/range/1024"), get("/range/1024", {"Range": "bytes=100-355"})),
    "redirect-to": (
        get(redirect("http://httpbin.test/get")),
        get(redirect("/get?from=redirect", 301)),
        send("POST", redirect("/anything", 307), "text/plain", b"sent again"),
    ),
    "relative-redirect-3": (*(get(f"/relative-redirect/{n}") for n in CHAIN), get("/get")),
    "response-headers": (get("/response-headers?X-Part=one&X-Part=two&X-Part=one&X-Single=1"),),
    "status": tuple(get(f"/status/{code}") for code in (200, 204, 304, 404, 418, 500)),
    "stream-3": (get("/stream/3"),),
    "stream-5": (get("/stream/5"),),
    "stream-bytes": (get("/stream-bytes/5000?seed=3&chunk_size=700"),),
    "xml": (get("/xml"),),
}

_SSE: dict[str, tuple[Exchange, ...]] = {
    "chat": (chat("story-1"),),
    "chat-error": (chat("no-such-model"),),
    "download": (get("/download/service.log"),),
    "feed-bom": (get("/feed?bom=1"),),
    "feed-cr": (get("/feed?end=cr"),),
    "feed-crlf": (get("/feed?end=crlf"),),
    "feed-lf": (get("/feed?end=lf"),),
    "feed-resumed": (get("/feed?end=lf", {"Last-Event-ID": "2"}),),
    "large-event": (get("/large-event"),),
    "multi-line-data": (get("/multi-line-data"),),
}

TOPICS: tuple[Topic, ...] = tuple(
    Topic(f"{server}/{subject}", exchanges)
    for server, subjects in (("httpbin", _HTTPBIN), ("sse", _SSE))
    for subject, exchanges in subjects.items()
)
