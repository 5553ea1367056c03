"""Checks of chapter urls: drawn bases and urls, requested from a socket, against the oracle.

Each property draws what its rule is about and leaves the rest plain. Caret, bar and square brackets
are not drawn: standards differ on them, as the oracle says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.checks.session import CALLS, call, explore, refused
from conformance.registry import searched
from conformance.verdicts import Deviation
from spec.oracles import Refused
from spec.oracles.urls import resolve

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.court import Court

Drawn = st.SearchStrategy[str]

SERVER = "http://tape.test"
PLAIN = st.text("abcXYZ019-_~", min_size=1, max_size=5)
PATH_CHARACTERS = st.sampled_from([*"abz09-._~!$&'()*+,;=:@", "%2F", "%2f", "%20", "%25", "%C3%A9"])
QUERY_CHARACTERS = st.sampled_from([*"abz09-._~!$&'()*+,;=:@/?", "%2B", "%26", "%3d", "%20"])
WORLD = st.sampled_from([*"aé日 😀ßЖ\u202e\u0301\xa0"])
DOTS = st.sampled_from([".", "..", "...", ".a", "a..", "b"])
SCHEMES = st.sampled_from(["ftp", "file", "ws", "httpx", "http+unix", "mailto", "data", "urn"])
FORBIDDEN = st.sampled_from([*map(chr, range(32)), "\x7f", "\\"])
ANY_CALL = st.sampled_from(CALLS)


def joined(segments: Drawn, least: int = 1, most: int = 4) -> Drawn:
    """A path without a slash at its beginning."""
    return st.lists(segments, min_size=least, max_size=most).map("/".join)


def of(characters: Drawn, least: int = 1) -> Drawn:
    """A word of these characters."""
    return st.lists(characters, min_size=least, max_size=6).map("".join)


BASES = st.one_of(st.just(""), joined(PLAIN, most=2).map(lambda path: f"/{path}"))
EDGED_BASES = st.tuples(BASES, st.sampled_from(["", "/"])).map("".join)


async def _agrees(case: Case, base: str | None, url: str, how: str) -> None:
    """What is requested is what the oracle gives; what it refuses is refused."""
    url = url.replace(SERVER, case.tape.url)
    arguments = {} if base is None else {"base_url": case.tape.url + base}
    case.note(f"AsyncSession(**{arguments!r}).{how}('GET', {url!r})")
    try:
        expected = resolve(arguments.get("base_url"), url).removeprefix(case.tape.url)
    except Refused as kind:
        await _refuses(case, arguments, url, how, kind.kind)
        return
    known = len(case.tape.unexpected)
    async with case.opened(**arguments) as session:
        await call(case, session, how, "GET", url)
    got = [request.target for request in case.tape.unexpected[known:]]
    if got != [expected]:
        raise Deviation("sent-wrong", [expected], got, "the request target on the wire")


async def _refuses(case: Case, arguments: dict[str, Any], url: str, how: str, kind: str) -> None:
    async def act() -> object:
        async with case.opened(**arguments) as session:
            return await call(case, session, how, "GET", url)

    await refused(case, [kind], act)


def _agree(court: Court, bases: Any, urls: Drawn) -> None:
    explore(court, st.tuples(bases, urls, ANY_CALL), _agrees)


@searched("urls-absolute")
def absolute_drawn(court: Court) -> None:
    """An absolute url goes out as it stands, with a base and without."""
    paths = st.tuples(st.sampled_from(["", "/"]), joined(PLAIN, 0)).map(
        lambda parts: "".join(parts) if parts[1] and parts[0] else parts[0]
    )
    queries = st.one_of(st.just(""), of(QUERY_CHARACTERS).map(lambda query: f"?{query}"))
    urls = st.tuples(st.just(SERVER), paths, queries).map("".join)
    _agree(court, st.none() | EDGED_BASES, urls)


@searched("urls-slashes")
def slashes_drawn(court: Court) -> None:
    """One slash between base and url, inner and last ones as written."""
    paths = st.tuples(st.sampled_from(["", "/"]), PLAIN, st.sampled_from(["", "/", "//a", "/a"]))
    _agree(court, EDGED_BASES, paths.map("".join))


@searched("urls-empty")
def empty_drawn(court: Court) -> None:
    """Without a path of its own, a url means the base as written."""
    queries = of(QUERY_CHARACTERS).map(lambda query: f"?{query}")
    fragments = PLAIN.map(lambda fragment: f"#{fragment}")
    _agree(court, EDGED_BASES, st.one_of(st.just(""), queries, fragments))


@searched("urls-query")
def query_drawn(court: Court) -> None:
    """The query goes out as written, the fragment does not."""
    fragments = st.one_of(st.just(""), PLAIN.map(lambda fragment: f"#{fragment}"))
    urls = st.tuples(PLAIN, st.just("?"), of(QUERY_CHARACTERS), fragments).map("".join)
    _agree(court, BASES, urls)


@searched("urls-escapes")
def escapes_drawn(court: Court) -> None:
    """Escapes, and all that a path can hold, go out as written."""
    words = of(PATH_CHARACTERS).filter(lambda word: set(word) != {"."})
    _agree(court, BASES, joined(words).map(lambda path: f"/a%2Fb/{path}"))


@searched("urls-unicode")
def unicode_drawn(court: Court) -> None:
    """Characters from everywhere go out as the escapes of their UTF-8 bytes."""
    words = of(WORLD).filter(lambda word: word == word.strip(" "))
    urls = st.tuples(words, st.just("/"), PLAIN, st.just("?q="), words).map("".join)
    _agree(court, BASES, urls)


def _climbs(url: str) -> bool:
    try:
        resolve(SERVER, url)
    except Refused:
        return True
    return False


@searched("urls-dots")
def dots_drawn(court: Court) -> None:
    """Dot segments that stay below the base are resolved."""
    paths = joined(DOTS, 1, 6).filter(lambda path: not _climbs(path))
    _agree(court, EDGED_BASES, paths)


@searched("urls-climb")
def climb_drawn(court: Court) -> None:
    """Dot segments that leave the base are refused, however they are spelt."""
    spelt = st.sampled_from(["..", "%2e.", ".%2E", "%2e%2e"])
    paths = st.tuples(st.sampled_from(["", "./", "a/../"]), spelt, st.sampled_from(["", "/", "/a"]))
    _agree(court, EDGED_BASES, paths.map("".join))


@searched("urls-network-path")
def network_path_drawn(court: Court) -> None:
    """Two slashes at the beginning are refused, whatever follows."""
    _agree(court, st.none() | EDGED_BASES, joined(PLAIN, 0).map(lambda path: f"//{path}"))


@searched("urls-scheme-case")
def scheme_case_drawn(court: Court) -> None:
    """Http in any mixture of cases is http."""
    letters = st.tuples(*(st.sampled_from([c, c.upper()]) for c in "http")).map("".join)
    urls = letters.filter(lambda scheme: scheme != "http").map(
        lambda scheme: SERVER.replace("http", scheme) + "/x"
    )

    async def agrees(case: Case, base: str | None, url: str, how: str) -> None:
        authority = case.tape.url.removeprefix("http://")
        await _agrees(case, base, url.replace("tape.test", authority), how)

    explore(court, st.tuples(st.none() | BASES, urls, ANY_CALL), agrees)


@searched("urls-scheme-refused")
def scheme_refused_drawn(court: Court) -> None:
    """Other schemes are refused, with a base and without."""
    rests = st.sampled_from(["//tape.test/x", "/x", "x", "8000/x"])
    urls = st.tuples(SCHEMES, st.just(":"), rests).map("".join)
    _agree(court, st.none() | BASES, urls)


@searched("urls-no-base")
def no_base_drawn(court: Court) -> None:
    """Without a base, every relative url is refused."""
    paths = st.tuples(st.sampled_from(["", "/", "?"]), joined(PLAIN, 0)).map("".join)
    _agree(court, st.none(), paths)


@searched("urls-characters")
def characters_drawn(court: Court) -> None:
    """A forbidden character anywhere, or a space at an end, is refused."""
    word = st.sampled_from(["", "a", "a/b", SERVER + "/x", "?q=1"])
    inside = st.tuples(word, FORBIDDEN, PLAIN).map("".join)
    edged = PLAIN.map(lambda path: f" {path}") | PLAIN.map(lambda path: f"{path} ")
    _agree(court, BASES, inside | edged)
