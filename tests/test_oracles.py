"""The oracles agree with every example of the chapters, and with cases worked out by hand."""

import math
from email.message import Message
from ipaddress import IPv6Address

import pytest

from spec.catalogue import load
from spec.examples import body, raw
from spec.oracles import Refused
from spec.oracles.bytes import chunks
from spec.oracles.events import Event, Stream, events, stream
from spec.oracles.headers import merge
from spec.oracles.lines import lines
from spec.oracles.security import carriers, forbidden
from spec.oracles.text import text
from spec.oracles.timeouts import effective_timeout
from spec.oracles.urls import resolve

BOM = b"\xef\xbb\xbf"


def given(*keys, chapter=None):
    """The examples that have one of the keys, each with its id and line as its name."""
    return [
        pytest.param(example.fields, id=f"{rule.id}:{example.line}")
        for rule in load().values()
        for example in rule.examples
        if chapter in (None, rule.chapter) and example.fields.keys() & set(keys)
    ]


def computed(*keys):
    """Those of them whose outcome follows from the body alone, as it is sent."""
    # An error, where the header names other codings, is about those.
    otherwise = [{"wire"}, {"request"}, {"codings", "content-encoding", "error"}]
    return [
        case
        for case in given(*keys)
        if not any(others <= case.values[0].keys() for others in otherwise)
    ]


def charset(fields):
    """The charset that an example's Content-Type names, read by the standard library."""
    message = Message()
    message["content-type"] = fields.get("content-type", "text/plain")
    if message.get_content_type() == "text/event-stream":
        return None
    return message.get_content_charset() or None


def outcome(function, *arguments):
    """What the oracle returns, or the kind of its refusal."""
    try:
        return function(*arguments)
    except Refused as refused:
        return refused.kind


def cut_short(fields):
    """Whether the outcome is what comes before the end of the body."""
    return bool(fields.keys() & {"error", "held"})


@pytest.mark.parametrize("fields", computed("lines"))
def test_lines_examples(fields):
    """What the examples call lines, the oracle finds."""
    found = lines(body(fields), charset(fields))

    if cut_short(fields):
        assert found[: len(fields["lines"])] == fields["lines"]
    else:
        assert found == fields["lines"]


@pytest.mark.parametrize("fields", computed("text"))
def test_text_examples(fields):
    """What the examples call text, the oracle decodes."""
    found = text(body(fields), charset(fields))

    assert found.startswith(fields["text"]) if cut_short(fields) else found == fields["text"]


@pytest.mark.parametrize("fields", computed("bytes"))
def test_bytes_examples(fields):
    """What the examples give as bytes is the body, or its beginning where it is cut short."""
    whole, expected = body(fields), raw(fields["bytes"])

    assert whole.startswith(expected) if cut_short(fields) else whole == expected


@pytest.mark.parametrize("fields", given("chunks"))
def test_chunks_examples(fields):
    """What the examples give as chunks, the oracle cuts."""
    expected = fields["chunks"]

    assert chunks(body(fields), expected["size"]) == [raw(chunk) for chunk in expected["of"]]


@pytest.mark.parametrize("fields", given("events"))
def test_events_examples(fields):
    """What the examples give as events, the oracle dispatches: S01 to S54 among them."""
    found = [event._asdict() for event in events(body(fields))]

    if cut_short(fields):
        found = found[: len(fields["events"])]
    assert found == fields["events"]


@pytest.mark.parametrize("fields", given("last-id", "retry", chapter="events"))
def test_reconnection_examples(fields):
    """What a reconnection uses is what the oracle keeps."""
    kept = stream(body(fields))

    assert kept.last_id == fields.get("last-id", kept.last_id)
    assert kept.retry == fields.get("retry", kept.retry)


def refusals(fields):
    """The exceptions by which an example may be refused."""
    any_will_do = fields["refused"] == "Exception"
    return (
        ["ValueError", "InvalidURL", "UnsupportedProtocol"] if any_will_do else [fields["refused"]]
    )


@pytest.mark.parametrize("fields", given("sent", "absent", "refused", chapter="headers"))
def test_headers_examples(fields):
    """What the examples send, the oracle merges; what they refuse, it refuses."""
    session = fields.get("session", {}).get("headers")
    merged = outcome(merge, session, fields["request"].get("headers"))

    if "refused" in fields:
        assert merged in refusals(fields)
        return
    assert not {name for name, _ in merged} & set(fields.get("absent", ()))
    for name, value in fields.get("sent", {}).items():
        assert [found for key, found in merged if key == name] == [value]


@pytest.mark.parametrize("fields", given("target", "refused", chapter="urls"))
def test_urls_examples(fields):
    """What the examples request, the oracle resolves; what they refuse, it refuses."""
    found = outcome(resolve, fields["base_url"], fields["url"])

    assert found in (
        refusals(fields) if "refused" in fields else [f"http://tape.test{fields['target']}"]
    )


def test_urls_examples_are_many():
    """The table of pairs is as long as was asked for."""
    assert len(given("target", "refused", chapter="urls")) >= 40


@pytest.mark.parametrize("fields", given("effective", "refused", chapter="timeouts"))
def test_timeouts_examples(fields):
    """What the examples call effective, the oracle chooses; what they refuse, it refuses."""
    session, request = fields["session"].get("timeout", 30.0), fields["request"].get("timeout")

    found = outcome(effective_timeout, session, request)

    assert found in (refusals(fields) if "refused" in fields else [fields["effective"]])


def test_lines_of_nothing_and_of_endings():
    """No bytes are no line; each ending ends one, and CRLF is one ending."""
    assert lines(b"", None) == []
    assert lines(b"\r\n\r\r\n\n", None) == ["", "", "", ""]
    assert lines(b"a\xc2\x85b", None) == ["a\x85b"]


def test_text_charsets():
    """A text codec counts under any of its names; what is none, and what raises, is UTF-8."""
    assert text(b"\xe9", "Latin_1") == text(b"\xe9", "ISO8859-1") == "é"
    for unusable in ("hex", "rot13", "idna", "undefined", "utf-7", "unicode_escape", "\0", "é"):
        assert text("+é\\n".encode(), unusable) == "+é\\n"


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_text_byte_order(name):
    """A byte order mark decides; without one the text is little-endian."""
    for order in ("le", "be"):
        encoded = "é".encode(f"{name}-{order}")
        assert text("\ufeff".encode(f"{name}-{order}") + encoded, name) == "é"
    assert text("é".encode(f"{name}-le"), name) == "é"


def test_text_keeps_the_mark_and_replaces_the_rest():
    """Nothing is taken away and nothing raises."""
    assert text(BOM + b"\xff\xe2\x82", None) == "\ufeff\ufffd\ufffd"


def test_chunks_by_hand():
    """The last chunk is what is left, and there is none of nothing."""
    assert chunks(b"abcde", 2) == [b"ab", b"cd", b"e"]
    assert chunks(b"", 2) == []


def test_events_by_hand():
    """An event carries the id and the retry in force when it is dispatched, not later ones."""
    first = Event("message", "a", "", None)
    second = Event("add", "b\n", "7", 5)

    assert stream(b"data:a\n\nretry:5\nid:7\nevent:add\ndata:b\ndata\n\nid:8\nretry:6\n") == Stream(
        [first, second], "7", 6
    )


def test_events_of_a_mark_alone():
    """A byte order mark is no line."""
    assert events(BOM + b"data:a\n\n") == [Event("message", "a", "", None)]
    assert events(BOM) == []


def test_merge_order_and_repetition():
    """The session's names come first, in their places; a call's value replaces all of a name's."""
    session = {"A": "1", "B": "2", "b": "3", "C": "4"}

    assert merge(session, {"D": "5", "b": "6", "c": None, "a": "7"}) == [
        ("a", "7"),
        ("b", "6"),
        ("d", "5"),
    ]
    assert merge(session, None) == [("a", "1"), ("b", "2"), ("b", "3"), ("c", "4")]
    assert merge(None, {"X": ""}) == [("x", "")]


@pytest.mark.parametrize("value", ["a\tb", "a  b", "", "~!"])
def test_merge_takes_what_a_value_can_hold(value):
    """Tabs and spaces inside a value are part of it."""
    assert merge(None, {"x": value}) == [("x", value)]


def test_merge_refuses_in_both_places():
    """The session's headers are checked like the call's, and a removal needs a proper name."""
    assert outcome(merge, {"x": "a\n"}, None) == "ValueError"
    assert outcome(merge, {"x": "a"}, {"y": "\t"}) == "ValueError"
    assert outcome(merge, None, {"x y": None}) == "ValueError"


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        ("https://api.test:8443/v1", "a", "https://api.test:8443/v1/a"),
        ("http://h/a/../v1/./x", "b", "http://h/v1/x/b"),
        (None, "http://h/../a/./b/..", "http://h/a/"),
        (None, "http://h/%zz?%", "http://h/%25zz?%25"),
        ("http://h/v1", 'a"<{`}>', "http://h/v1/a%22%3C%7B%60%7D%3E"),
        ("http://h/v1", "a//../b", "http://h/v1/a/b"),
        ("http://h/v1//", "//", "InvalidURL"),
        ("http://h/v1", "a/..", "http://h/v1/"),
        ("http://h/v1", "a/b/%2e%2e/c", "http://h/v1/a/b/%2e%2e/c"),
        ("http://h/v1", ".%2E", "InvalidURL"),
        ("http://h/v1", "https:", "InvalidURL"),
        ("http://h/v1", "a ", "InvalidURL"),
        ("https:///v1", "a", "ValueError"),
        (" http://h", "a", "ValueError"),
    ],
)
def test_resolve_by_hand(base, url, expected):
    """Ports, dots, escapes that are none, and slashes where one would not look for them."""
    assert outcome(resolve, base, url) == expected


def test_effective_timeout_by_hand():
    """Any positive number counts; the smallest is not nothing, and infinity is none."""
    assert effective_timeout(30.0, 5e-324) == 5e-324
    assert effective_timeout(math.inf, 1) == 1
    assert effective_timeout(1, math.inf) is None
    assert outcome(effective_timeout, math.nan, 1) == "ValueError"


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.255.0.1", "100.64.0.0", "127.0.0.1", "169.254.169.254", "172.31.255.255"),
        *("192.0.2.1", "192.168.0.1", "198.19.255.255", "203.0.113.9", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "64:ff9b:1::1", "100::1", "2001:db8::1", "3fff::1"),
        *("5f00::1", "fc00::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1", "2001:2::1"),
    ],
)
def test_forbidden_addresses(address):
    """What is not reachable globally is forbidden."""
    assert forbidden(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1"),
        *("172.15.255.255", "172.32.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2000::1", "2001:200::", "2001:db9::1", "2606:4700::1111", "3ffe::1", "2003::1"),
    ],
)
def test_reachable_addresses(address):
    """Neighbours of forbidden networks, and well-known servers, are not."""
    assert not forbidden(address)


def test_carriers():
    """The standard library finds the address in each kind that it can unpack; all are forbidden."""
    found = {kind: IPv6Address(text) for kind, text in carriers("169.254.169.254").items()}

    assert str(found["mapped"].ipv4_mapped) == "169.254.169.254"
    assert str(found["6to4"].sixtofour) == "169.254.169.254"
    assert str(found["Teredo"].teredo[1]) == "169.254.169.254"
    assert str(found["NAT64"]) == "64:ff9b::a9fe:a9fe"
    assert all(forbidden(str(address)) for address in found.values())
