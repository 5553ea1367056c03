"""Addresses: a table, and whatever Hypothesis writes, against the oracle."""

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fasthttp import urls
from spec import oracles
from spec.oracles.urls import resolve as expected
from tests.support import PATIENT

V1 = "http://h.test/v1"


def resolved(base_url: str | None, url: str) -> str:
    return str(urls.resolve(urls.parse_base_url(base_url), url))


@pytest.mark.parametrize(
    ("base_url", "url", "address"),
    [
        (None, "http://h.test/a?x#f", "http://h.test/a?x"),
        (None, "HTTP://h.test", "http://h.test"),
        (None, "http://h.test:81?x=1", "http://h.test:81?x=1"),
        (V1, "https://other.test/x", "https://other.test/x"),
        (V1, "a", "http://h.test/v1/a"),
        (V1, "/a", "http://h.test/v1/a"),
        (f"{V1}/", "a", "http://h.test/v1/a"),
        (f"{V1}/", "/a/", "http://h.test/v1/a/"),
        (V1, "a//b", "http://h.test/v1/a//b"),
        (V1, "", "http://h.test/v1"),
        (f"{V1}/", "", "http://h.test/v1/"),
        (V1, "/", "http://h.test/v1/"),
        (V1, "?q=1&q=2", "http://h.test/v1?q=1&q=2"),
        (V1, "#f", "http://h.test/v1"),
        (V1, "a?x=1+2%2B3#f", "http://h.test/v1/a?x=1+2%2B3"),
        (V1, "a?next=../b", "http://h.test/v1/a?next=../b"),
        (V1, "a%2Fb", "http://h.test/v1/a%2Fb"),
        (V1, "a%2fb/100%25", "http://h.test/v1/a%2fb/100%25"),
        (V1, "/sub:path", "http://h.test/v1/sub:path"),
        (V1, "a:b", None),
        (V1, "caf\xe9 x", "http://h.test/v1/caf%C3%A9%20x"),
        (V1, "./a/./b", "http://h.test/v1/a/b"),
        (V1, "a/../b", "http://h.test/v1/b"),
        (V1, "a/b/..", "http://h.test/v1/a/"),
        (V1, "a..b/...", "http://h.test/v1/a..b/..."),
        (V1, "..", None),
        (V1, "a/../../b", None),
        (V1, "%2e%2E/b", None),
        (V1, "a/..//..", "http://h.test/v1/"),
        (V1, "100%", "http://h.test/v1/100%25"),
        (V1, "//evil.test/x", None),
        (V1, "ftp://h.test/", None),
        (V1, "localhost:80/x", None),
        (V1, "http://h.test\\@evil.test/", None),
        (V1, "a\r\nX: b", None),
        (V1, " http://h.test/", None),
        (V1, "http:///x", None),
        (None, "/a", None),
        (None, "", None),
    ],
)
def test_the_table(base_url: str | None, url: str, address: str | None) -> None:
    """A relative url is appended below the base; what could surprise is refused."""
    if address is None:
        with pytest.raises((httpx.InvalidURL, httpx.UnsupportedProtocol)):
            resolved(base_url, url)
    else:
        assert resolved(base_url, url) == address


parts = st.text(st.sampled_from("ab.%2eF/?#:@\\ é\n\u2028=&+;"), max_size=12)
relative = st.one_of(
    parts,
    st.lists(st.sampled_from(["..", ".", "a", "", "%2e%2e", "b:c"]), max_size=6).map("/".join),
)
bases = st.sampled_from([None, "http://h.test", "http://h.test/", V1, f"{V1}/", f"{V1}/a%2Fb/é"])


def outcome(resolve: object, base_url: str | None, url: str) -> str:
    """The request as the server sees it, or the kind of refusal."""
    try:
        address = httpx.URL(resolve(base_url, url))  # type: ignore[operator] # either of two
    except oracles.Refused as refused:
        return refused.kind
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
        return type(exc).__name__
    return f"{address.netloc.decode()} {address.raw_path.decode()}"


@PATIENT
@given(bases, st.one_of(relative, parts.map("http://h.test/".__add__)))
@example(V1, "a/../%2e%2e")
def test_the_oracle_agrees(base_url: str | None, url: str) -> None:
    """Whatever the two strings are, the oracle finds the same address, or refuses it likewise."""
    assert outcome(resolved, base_url, url) == outcome(expected, base_url, url)


@PATIENT
@given(
    st.one_of(st.text(), st.text().map("http://".__add__), st.characters().map("http://x".__add__))
)
@example("http://xn--.invalid/")
@example("http://\ud800/")
@example("http://h.test/\udfff")
def test_nothing_else_is_raised(url: str) -> None:
    """Whatever a url is, it is an address, or refused with one of two exceptions."""
    try:
        address = urls.resolve(None, url)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return
    assert address.raw_path.isascii()


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        (f"{V1}?k=1", "must have no query and no fragment"),
        (f"{V1}?", "must have no query and no fragment"),
        (f"{V1}#f", "must have no query and no fragment"),
        ("h.test/v1", "does not start with http:// or https://"),
        ("", "does not start with http:// or https://"),
        ("ftp://h.test/", "does not start with http:// or https://"),
        ("http://", "has no host"),
        ("http://h.test/\n", "percent-encode it"),
        ("http://h.test:99999/", "the greatest is 65535"),
    ],
)
def test_a_base_that_cannot_be(base_url: str, why: str) -> None:
    """A base_url that is no absolute address, or is more than one, is refused with the reason."""
    with pytest.raises(ValueError, match=r"^base_url '") as caught:
        urls.parse_base_url(base_url)
    assert why in str(caught.value)


def test_params_follow_the_query() -> None:
    """Params are added behind the query that is there, which stays as it was written."""
    url = httpx.URL("http://h.test/a?x=1+2/b&y")

    assert urls.with_params(url, {"q": "x y&z", "n": [1, 2]}) == (
        "http://h.test/a?x=1+2/b&y&q=x+y%26z&n=1&n=2"
    )
    assert urls.with_params(url, {}) is url
    assert urls.with_params(httpx.URL("http://h.test/a"), [("b", "")]) == "http://h.test/a?b="


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://h.test/a", "http://H.test:80/b", True),
        ("http://h.test/", "https://h.test/", False),
        ("http://h.test/", "http://h.test:81/", False),
        ("http://h.test/", "http://h.test:0/", False),
        ("https://h.test:443/", "https://h.test/", True),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    """An origin is scheme, host and port, whether the port is written or not."""
    assert (urls.origin(httpx.URL(one)) == urls.origin(httpx.URL(other))) is same
