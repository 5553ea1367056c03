"""Faults in merging and checking headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fasthttp.headers import Changes, Pairs, complete, merge
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    import httpx

    from fasthttp.response import Response
    from fasthttp.session import StreamContext


class Merging(Sabotaged):
    """Merges in its own way, where the library would merge."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        raise NotImplementedError

    def _build(self, method: str, url: httpx.URL, headers: Any, *rest: Any) -> httpx.Request:
        kept = self._headers
        self._headers = self.merged(kept, headers)
        try:
            return super()._build(method, url, (), *rest)
        finally:
            self._headers = kept


def _named(pairs: Changes) -> set[str]:
    return {name.lower() for name, _ in pairs}


@saboteur("headers-session")
class DropsEmpty(Merging):
    """A header of the session's without a value is taken for none."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        return merge(tuple(pair for pair in session if pair[1]), request)


@saboteur("headers-merged", "headers-precedence", "headers-case", "headers-none-taken")
class Replaces(Merging):
    """A call's headers take the place of all of the session's."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        return merge((), request) if request else session


@saboteur("events-request", "headers-case", "headers-defaults", "headers-precedence")
class Chains(Merging):
    """Where both name a header, both lines go out (B80)."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        removed = tuple(pair for pair in request if pair[1] is None)
        return merge(session, removed) + merge((), request)


@saboteur("events-request", "headers-case", "headers-defaults", "headers-precedence")
class SessionWins(Merging):
    """Where both name a header, the session's value goes out."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        known = _named(session)
        left = (pair for pair in request if pair[1] is None or pair[0].lower() not in known)
        return merge(session, tuple(left))


@saboteur(
    "events-request", "headers-case", "headers-defaults", "headers-none", "headers-none-taken"
)
class KeyedAsWritten(Merging):
    """The merge is one of dicts (B80)."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        return merge((), tuple({**dict(session), **dict(request)}.items()))


@saboteur("headers-not-sticky", "headers-none-taken")
class Updates(Sabotaged):
    """The session's own mapping is updated with the call's."""

    def _build(self, method: str, url: httpx.URL, headers: Any, *rest: Any) -> httpx.Request:
        self._headers = merge(self._headers, headers)
        return super()._build(method, url, (), *rest)


@saboteur("headers-untouched")
class WritesIntoMine(Sabotaged):
    """The caller's dict is where the merge happens."""

    def stream(self, method: str, url: str, *, headers: Any = None, **named: Any) -> StreamContext:
        if isinstance(headers, dict):
            headers["X-Client"] = "saboteur"
        return super().stream(method, url, headers=headers, **named)


@saboteur("headers-none", "headers-none-taken", "headers-defaults")
class NoneAsText(Merging):
    """None goes out as a word (B81)."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        return merge(session, tuple((name, str(value)) for name, value in request))


@saboteur("headers-none", "headers-none-taken")
class NoneAsWritten(Merging):
    """None takes away only what is spelt the same (B81)."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        removed = {name for name, value in request if value is None}
        kept = tuple(pair for pair in session if pair[0] not in removed)
        return merge(kept, tuple(pair for pair in request if pair[1] is not None))


@saboteur("headers-none-taken", "headers-defaults")
class NoneIsRefused(Merging):
    """None is no value that it takes (B81)."""

    def merged(self, session: Pairs, request: Changes) -> Pairs:
        if any(value is None for _, value in request):
            raise TypeError("header values are str, not None")
        return merge(session, request)


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


@saboteur("headers-value-refused", "headers-refusal-named")
class CleansLineBreaks(Cleaning):
    """CR and LF are deleted from values."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value and re.sub(r"[\r\n]", "", value)


@saboteur("headers-value-space", "headers-refusal-named")
class Strips(Cleaning):
    """White space around values is taken away."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value and value.strip(" \t")


@saboteur("headers-name-refused", "headers-refusal-named")
class CleansNames(Cleaning):
    """What is no token is deleted from names."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return re.sub(r"[^!#-'*+\-.^_`|~\w]", "", name, flags=re.ASCII) or "X", value


@saboteur("headers-value-ascii", "headers-refusal-named")
class QuestionMarks(Cleaning):
    """What is not ASCII goes out as a question mark (B82)."""

    def cleaned(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value and value.encode("ascii", "replace").decode()


@saboteur("headers-refusal-named")
class NamesNoHeader(Sabotaged):
    """A call's header is refused without a word on which it is (B82)."""

    def stream(self, *positional: Any, **named: Any) -> StreamContext:
        try:
            return super().stream(*positional, **named)
        except ValueError as error:
            if "header" not in str(error):
                raise
            raise ValueError("invalid header") from error


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


# Lengths


def _believing(headers: Pairs, method: str, url: httpx.URL, body: bytes | None) -> Pairs:
    given = tuple(pair for pair in headers if pair[0].lower() == "content-length")
    rest = tuple(pair for pair in headers if pair not in given)
    right = complete(rest, method, url, body)
    return right if not given else (*(p for p in right if p[0] != "Content-Length"), *given)


@saboteur("session-content-framing")
class BelievesTheLength(Sabotaged):
    """The caller's Content-Length goes out, whatever the content is."""

    patches = {"fasthttp.headers.complete": _believing}


@saboteur("session-content-framing")
class TwoFramings(Sabotaged):
    """The caller's Transfer-Encoding goes out beside the Content-Length."""

    patches = {"fasthttp.headers._OURS": {}}


@saboteur("session-content-empty")
class EmptyIsNothing(Sabotaged):
    """A POST without content has no length."""

    patches = {"fasthttp.headers._METHODS_WITH_BODY": frozenset()}
