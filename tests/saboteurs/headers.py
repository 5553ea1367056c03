"""Faults in merging and checking headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    import httpx

    from fasthttp.response import Response
    from fasthttp.session import StreamContext

Pairs = list[tuple[str, Any]]


class Merging(Sabotaged):
    """Merges in its own way, where the library would merge."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        raise NotImplementedError

    def _build(self, method: str, url: httpx.URL, headers: Any, *rest: Any) -> httpx.Request:
        kept = self._headers
        self._headers = tuple(self.merged([*kept], [*headers]))
        try:
            return super()._build(method, url, (), *rest)
        finally:
            self._headers = kept


def _set(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair[1] is not None]


def _without(pairs: Pairs, names: Pairs) -> Pairs:
    named = {name.lower() for name, _ in names}
    return [pair for pair in pairs if pair[0].lower() not in named]


@saboteur("headers-session")
class DropsEmpty(Merging):
    """A header of the session's without a value is taken for none."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        return [pair for pair in _without(session, request) if pair[1]] + _set(request)


@saboteur("headers-session")
class StreamHasItsOwn(Sabotaged):
    """`stream()` makes its headers in another place than the verbs."""

    def stream(self, *positional: Any, **named: Any) -> StreamContext:
        kept, self._headers = self._headers, self._headers[:3]  # the client's own
        try:
            return super().stream(*positional, **named)
        finally:
            self._headers = kept


@saboteur("headers-merged")
class Replaces(Merging):
    """A call's headers take the place of all of the session's."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        return _set(request) if request else session


@saboteur("headers-precedence")
class Chains(Merging):
    """Where both name a header, both lines go out (B80)."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        removed = [pair for pair in request if pair[1] is None]
        return _without(session, removed) + _set(request)


@saboteur("headers-precedence")
class SessionWins(Merging):
    """Where both name a header, the session's value goes out."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        removed = [pair for pair in request if pair[1] is None]
        return _without(session, removed) + _set(_without(request, session))


@saboteur("headers-case")
class KeyedAsWritten(Merging):
    """The merge is one of dicts (B80)."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        return _set([*{**dict(session), **dict(request)}.items()])


@saboteur("headers-not-sticky")
class Updates(Merging):
    """The session's own mapping is updated with the call's."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        return _without(session, request) + _set(request)

    def _build(self, method: str, url: httpx.URL, headers: Any, *rest: Any) -> httpx.Request:
        self._headers = tuple(self.merged([*self._headers], [*headers]))
        return super()._build(method, url, (), *rest)


@saboteur("headers-untouched")
class WritesIntoMine(Sabotaged):
    """The caller's dict is where the merge happens."""

    def stream(self, method: str, url: str, *, headers: Any = None, **named: Any) -> StreamContext:
        if isinstance(headers, dict):
            headers.setdefault("Accept", "*/*")
        return super().stream(method, url, headers=headers, **named)


@saboteur("headers-none")
class NoneAsText(Merging):
    """None goes out as a word (B81)."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        return _without(session, request) + [(name, str(value)) for name, value in request]


@saboteur("headers-none")
class NoneAsWritten(Merging):
    """None takes away only what is spelt the same (B81)."""

    def merged(self, session: Pairs, request: Pairs) -> Pairs:
        removed = {name for name, value in request if value is None}
        kept = [pair for pair in session if pair[0] not in removed]
        return _without(kept, _set(request)) + _set(request)


@saboteur("headers-defaults")
class OwnUserAgent(Sabotaged):
    """What the client sends of its own accord comes after the merge."""

    def _build(self, *arguments: Any) -> httpx.Request:
        request = super()._build(*arguments)
        request.headers["User-Agent"] = "client/1.0"
        return request


class Cleaning(Sabotaged):
    """Makes what is wrong right, quietly."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        raise NotImplementedError

    def _clean(self, named: dict[str, Any]) -> dict[str, Any]:
        pairs = (named.get("headers") or {}).items()
        return {**named, "headers": dict(self.cleaned(*pair) for pair in pairs)}

    def stream(self, *positional: Any, **named: Any) -> StreamContext:
        return super().stream(*positional, **self._clean(named))

    async def request(self, *positional: Any, **named: Any) -> Response:
        return await super().request(*positional, **self._clean(named))


@saboteur("headers-value-refused")
class CleansLineBreaks(Cleaning):
    """CR and LF are deleted from values."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value and re.sub(r"[\r\n]", "", value)


@saboteur("headers-name-refused")
class CleansNames(Cleaning):
    """What is no token is deleted from names."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return re.sub(r"[^!#-'*+\-.^_`|~\w]", "", name, flags=re.ASCII) or "X", value


@saboteur("headers-value-ascii")
class QuestionMarks(Cleaning):
    """What is not ASCII goes out as a question mark (B82)."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value and value.encode("ascii", "replace").decode()


@saboteur("headers-host")
class HostWithoutPort(Sabotaged):
    """The Host line lacks the port."""

    def _build(self, method: str, url: httpx.URL, *rest: Any) -> httpx.Request:
        request = super()._build(method, url, *rest)
        if request.headers["Host"] == url.netloc.decode():
            request.headers["Host"] = url.host
        return request


@saboteur("headers-host")
class HostOfTheFirst(Sabotaged):
    """After a redirect the Host line is that of the first request."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is not None:
            request.headers["Host"] = response.request.headers["Host"]
        return request
