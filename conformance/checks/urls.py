"""Checks of chapter urls: drawn bases and urls, requested from a socket, against the oracle.

Each property draws what its rule is about and leaves the rest plain. Caret, bar and square brackets
are not drawn: standards differ on them, as the oracle says.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.checks.refusals import refuses
from conformance.checks.session import CALLS, call, explore, refused
from conformance.registry import check, searched
from conformance.verdicts import Deviation
from spec.oracles import Refused
from spec.oracles.urls import resolve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.case import Case
    from conformance.court import Court

Drawn = st.SearchStrategy[str]

SERVER = "http://tape.test"
PLAIN = st.text("abcXYZ019-_~", min_size=1, max_size=5)
PATH_CHARACTERS = st.sampled_from([*"abz09-._~!$&'()*+,;=:@", "%2F", "%2f", "%20", "%25", "%C3%A9"])
QUERY_CHARACTERS = st.sampled_from([*"abz09-._~!$&()*+,;=:@/?", "%2B", "%26", "%3d", "%20"])
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
CLOSED_BASES = BASES.map(lambda path: f"{path}/")  # where appending and RFC 3986 agree
EDGED_BASES = st.tuples(BASES, st.sampled_from(["", "/"])).map("".join)


async def _agrees(
    case: Case, base: str | None, url: str, how: str, same: Callable[[str], str] = str
) -> None:
    """What is requested is what the oracle gives, by what counts as the same; or it is refused."""
    url = url.replace(SERVER, case.tape.url)
    arguments = {} if base is None else {"base_url": case.tape.url + base}
    case.note(f"AsyncSession(**{arguments!r}).{how}('GET', {url!r})")
    try:
        expected = resolve(arguments.get("base_url"), url).removeprefix(case.tape.url)
    except Refused:
        await refuses(case, _asking(case, arguments, url, how))
        return
    got = await _targets(case, arguments, url, how)
    if list(map(same, got)) != [same(expected)]:
        raise Deviation("sent-wrong", [expected], got, "the request target on the wire")


async def _targets(case: Case, arguments: dict[str, Any], url: str, how: str) -> list[str]:
    known = len(case.tape.unexpected)
    await _asking(case, arguments, url, how)()
    return [request.target for request in case.tape.unexpected[known:]]


def _asking(
    case: Case, arguments: dict[str, Any], url: str, how: str
) -> Callable[[], Awaitable[object]]:
    async def act() -> object:
        async with case.opened(**arguments) as session:
            return await call(case, session, how, "GET", url)

    return act


def _upper(target: str) -> str:
    """The target with its escapes in upper case, which RFC 3986 calls the same."""
    return re.sub("%[0-9a-fA-F]{2}", lambda found: found[0].upper(), target)


async def _agrees_but_for_case(case: Case, base: str | None, url: str, how: str) -> None:
    await _agrees(case, base, url, how, _upper)


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
    explore(court, st.tuples(CLOSED_BASES, urls, ANY_CALL), _agrees_but_for_case)


@searched("urls-escapes")
def escapes_drawn(court: Court) -> None:
    """Escapes, and all that a path can hold, go out as written."""
    words = of(PATH_CHARACTERS).filter(lambda word: set(word) != {"."})
    paths = joined(words).map(lambda path: f"a%2Fb/{path}")
    explore(court, st.tuples(CLOSED_BASES, paths, ANY_CALL), _agrees_but_for_case)


@searched("urls-verbatim")
def verbatim_drawn(court: Court) -> None:
    """Lower-case escapes and apostrophes stay what they are."""
    escapes = st.sampled_from(["%2f", "%c3%a9", "%3d", "%2B", "a", "0"])
    queries = of(escapes | st.just("'")).map(lambda query: f"?{query}")
    urls = st.tuples(PLAIN, of(escapes), st.just("") | queries).map("".join)
    _agree(court, CLOSED_BASES, urls)


@searched("urls-unicode")
def unicode_drawn(court: Court) -> None:
    """Characters from everywhere go out as the escapes of their UTF-8 bytes."""
    words = of(WORLD).filter(lambda word: word == word.strip(" "))
    urls = st.tuples(words, st.just("/"), PLAIN, st.just("?q="), words).map("".join)
    _agree(court, CLOSED_BASES, urls)


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


WORDS = st.sampled_from(["", "a", "a/b", SERVER + "/x", "?q=1"])
INSIDE = st.tuples(WORDS, FORBIDDEN, PLAIN).map("".join)
EDGED = PLAIN.map(lambda path: f" {path}") | PLAIN.map(lambda path: f"{path} ")


@searched("urls-characters-refused")
def characters_drawn(court: Court) -> None:
    """A forbidden character anywhere, or a space at an end, is refused."""
    _agree(court, CLOSED_BASES, INSIDE | EDGED)


def readings(url: str) -> Iterator[str]:
    """What a standard makes of it: escaped as it is, or cleaned as the WHATWG's parser does it."""
    cleaned = re.sub("[\t\r\n]", "", url.strip("".join(map(chr, range(33)))))
    for known in (url, cleaned, cleaned.replace("\\", "/")):
        yield re.sub(r"[\x00-\x20\x7f\\]", lambda found: f"%{ord(found[0]):02X}", known)


async def _as_a_standard_reads_it(case: Case, base: str, url: str, how: str) -> None:
    url = url.replace(SERVER, case.tape.url)
    arguments = {"base_url": case.tape.url + base}
    allowed = set()
    for reading, below in product(readings(url), (arguments["base_url"], case.tape.url)):
        with suppress(Refused):
            if below == arguments["base_url"] or reading.startswith("/"):
                allowed.add(_upper(resolve(below, reading).removeprefix(case.tape.url)))
    if re.match("https?:", url.strip("".join(map(chr, range(33))))):
        # With its scheme hidden it is a path below the base: the caller meant none.
        allowed = {target for target in allowed if "http" not in target}
    try:
        got = await _targets(case, arguments, url, how)
    except Exception:  # noqa: BLE001 - whatever it is called
        return
    # A browser leaves a backslash in a query as it is.
    if len(got) != 1 or _upper(got[0].replace("\\", "%5C")) not in allowed:
        raise Deviation("sent-wrong", sorted(allowed), got, "the request target on the wire")


@searched("urls-characters")
def characters_read(court: Court) -> None:
    """Refused, escaped or cleaned: no control character goes out, and no scheme is missed."""
    hidden = st.sampled_from([f" {SERVER}/x", f"{SERVER}/x ", f"\t{SERVER}/x"])
    urls = INSIDE | EDGED | hidden
    explore(court, st.tuples(CLOSED_BASES, urls, ANY_CALL), _as_a_standard_reads_it)


@check("urls-refusal-named", "surrogates")
async def lone_surrogates(case: Case) -> None:
    """Half a character is none, and is named as what is wrong with the address."""
    async with case.opened(base_url=case.tape.url) as session:
        for url in (f"{case.tape.url}/a\ud800b", "/a\udfff", f"{case.tape.url}/?q=\udc80"):
            for how in CALLS:

                async def act(how: str = how, url: str = url) -> object:
                    return await call(case, session, how, "GET", url)

                await refused(case, ["InvalidURL"], act)


@check("urls-characters", "line-break")
async def line_break(case: Case) -> None:
    """What would be a header line of its own is none."""
    url = f"{case.tape.url}/a HTTP/1.1\r\nX-Injected: b\r\nX-Rest:"
    known = len(case.tape.unexpected)
    async with case.opened() as session:
        with suppress(Exception):
            await call(case, session, "stream", "GET", url)
    for request in case.tape.unexpected[known:]:
        if request.values("x-injected"):
            raise Deviation("sent-wrong", "one request line", request.raw, "a line break went out")
