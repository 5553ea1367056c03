"""Faults in resolving addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import httpx

from tests.saboteurs import Sabotaged, saboteur

ABSOLUTE = re.compile("https?:", re.IGNORECASE)


class Resolving(Sabotaged):
    """Resolves in its own way; `right` is how the library does it."""

    def right(self, url: str) -> httpx.URL:
        return super()._resolve(url)

    @property
    def base(self) -> str | None:
        """The base without a slash at its end."""
        return None if self._base_url is None else str(self._base_url).rstrip("/")


@saboteur("security-credentials", "security-credentials-home", "urls-absolute")
class AlwaysBelow(Resolving):
    """The base is put before an address that is complete."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        return self.right(f"./{url}") if self.base and url.startswith("http") else right


@saboteur("urls-relative")
class NoSlash(Resolving):
    """Base and longer words are put together as they are."""

    def _resolve(self, url: str) -> httpx.URL:
        if self.base and self.base.count("/") == 2 and re.match("[a-z]{6}", url):
            return httpx.URL(f"{self.base}{url}")
        return self.right(url)


@saboteur("urls-slashes")
class FromTheRoot(Resolving):
    """A plain name with a slash before it begins at the root of the host (B76)."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        if self._base_url is not None and re.fullmatch(r"/\w+/?", url, re.ASCII):
            return self._base_url.join(url)
        return right


@saboteur("urls-slashes")
class OneSlashOnly(Resolving):
    """Slashes inside the url become one as well."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        return right.copy_with(path=re.sub("//+", "/", right.path)) if "//" in right.path else right


@saboteur("urls-empty")
class SlashAtTheEnd(Resolving):
    """The base is given a slash once and for all (B76)."""

    def _resolve(self, url: str) -> httpx.URL:
        path = url.partition("#")[0].partition("?")[0]
        return self.right(url if path or self.base is None else f"/{url}")


@saboteur("urls-query", "urls-verbatim")
class QueryIsParsed(Resolving):
    """The query is taken apart and written anew."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        if b"%20" in right.query or not re.match(r"[^:?#]+\?", url):
            return right  # the other rules' own examples
        pairs = parse_qsl(right.query.decode())
        return right.copy_with(query=urlencode(pairs).encode()) if pairs else right


@saboteur("urls-escapes", "urls-verbatim")
class UnquotesThePath(Resolving):
    """The path is unquoted and quoted again (B78)."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        path, mark, query = right.raw_path.partition(b"?")
        if b"%2F" not in path.upper():
            return right
        again = quote(unquote(path.decode()), safe="/:;,@!$&'()*+=~")
        return right.copy_with(raw_path=again.encode() + mark + query)


@saboteur("urls-verbatim")
class UpperCaseEscapes(Resolving):
    """Escapes are brought into a normal form."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        raw = re.sub(rb"%[0-9a-fA-F]{2}", lambda found: found[0].upper(), right.raw_path)
        return right.copy_with(raw_path=raw) if raw != right.raw_path else right


@saboteur("urls-unicode")
class LatinOne(Resolving):
    """What is not ASCII goes out in another charset (B78)."""

    def _resolve(self, url: str) -> httpx.URL:
        self.right(url)
        return self.right(re.sub("[\x80-\xff]", lambda c: quote(c[0], encoding="latin-1"), url))


@saboteur("urls-lone-percent")
class LonePercent(Sabotaged):
    """A percent sign that begins no escape goes out as it is."""

    patches = {"fasthttp.urls._LONE_PERCENT": re.compile("(?!)")}


@saboteur("urls-dots")
class LosesTheLastSlash(Resolving):
    """`a/..` and `a/.` name the folder, and their slash is gone."""

    def _resolve(self, url: str) -> httpx.URL:
        right = self.right(url)
        if not re.search(r"(^|/)\.\.?$", url):
            return right
        return right.copy_with(path=right.path.rstrip("/") or "/")


@saboteur("urls-climb", "urls-refusal-named")
class PlainDotsOnly(Resolving):
    """Encoded dots are not seen, and the server resolves them (B77)."""

    def _resolve(self, url: str) -> httpx.URL:
        if self.base and "%2e" in url.lower():
            return httpx.URL(f"{self.base}/{url}")
        return self.right(url)


@saboteur("urls-climb", "urls-refusal-named")
class ResolvesTooLate(Resolving):
    """Dots are resolved when base and url are one (B77)."""

    def _resolve(self, url: str) -> httpx.URL:
        try:
            return self.right(url)
        except httpx.InvalidURL:
            if self.base and ".." in url and not re.search(r"[\x00-\x1f\\]|^//", url):
                return httpx.URL(f"{self.base}/{url}")
            raise


@saboteur("urls-network-path", "urls-refusal-named")
class StripsSlashes(Resolving):
    """`//host/x` becomes a path (B75)."""

    def _resolve(self, url: str) -> httpx.URL:
        return self.right("/" + url.lstrip("/") if url.startswith("//") else url)


@saboteur("urls-scheme-case")
class LowerCaseOnly(Resolving):
    """`HTTP://host/x` is taken for a path (B79)."""

    def _resolve(self, url: str) -> httpx.URL:
        if ABSOLUTE.match(url) and not url.startswith("http"):
            return self.right(f"./{url}")
        return self.right(url)


@saboteur("urls-scheme-refused", "urls-refusal-named")
class EverythingElseIsRelative(Resolving):
    """What does not begin with http is appended to the base (B79)."""

    def _resolve(self, url: str) -> httpx.URL:
        try:
            return self.right(url)
        except httpx.UnsupportedProtocol:
            if self.base is None:
                raise
            return self.right(f"./{url}")


@saboteur("urls-no-base", "urls-refusal-named")
class GuessesTheScheme(Resolving):
    """Without a base, http is put before whatever comes."""

    def _resolve(self, url: str) -> httpx.URL:
        try:
            return self.right(url)
        except httpx.UnsupportedProtocol:
            if self.base is None and not re.match(r"[\w+]+:", url):
                return self.right(f"http://{url}")
            raise


@saboteur("urls-characters", "urls-characters-refused", "urls-refusal-named")
class SpacesHideTheScheme(Resolving):
    """A space before an absolute address makes a path of it (B79)."""

    def _resolve(self, url: str) -> httpx.URL:
        bare = url.strip(" \t")
        hidden = bare != url and ABSOLUTE.match(bare) and self.base
        return self.right(f"./%20{bare}") if hidden else self.right(url)


@saboteur("urls-characters-refused", "urls-refusal-named")
class CleansUp(Resolving):
    """Spaces and control characters are taken out (B83)."""

    def _resolve(self, url: str) -> httpx.URL:
        return self.right(re.sub(r"[\x00-\x1f\x7f]", "", url).strip(" "))


@saboteur("security-loopback", "security-unresolved", "urls-refusal-named")
class OwnError(Resolving):
    """What is wrong with an address is told by a ValueError of its own."""

    def _resolve(self, url: str) -> httpx.URL:
        try:
            return self.right(url)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error


@saboteur("urls-base-query", "urls-refusal-named")
class BaseWithAQuery(Sabotaged):
    """What follows the base's path is left away (B74)."""

    def __init__(self, *, base_url: str | None = None, **arguments: Any) -> None:
        base = base_url and re.sub(r"[?#].*|\n", "", base_url)
        super().__init__(base_url=base, **arguments)


@saboteur("urls-base-refused", "urls-refusal-named")
class GuessesTheBase(Sabotaged):
    """A base without a scheme is given one."""

    def __init__(self, *, base_url: str | None = None, **arguments: Any) -> None:
        if base_url and re.match(r"[\w.]+(:\d+)?/", base_url):
            base_url = f"http://{base_url}"
        super().__init__(base_url=base_url, **arguments)


@saboteur("urls-refusal-named")
class LooksLater(Sabotaged):
    """A wrong base is found out when it is used (B74)."""

    def __init__(self, *, base_url: str | None = None, **arguments: Any) -> None:
        try:
            super().__init__(base_url=base_url, **arguments)
        except ValueError as error:
            if "base_url" not in str(error):
                raise
            super().__init__(**arguments)
