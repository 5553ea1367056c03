"""The cassettes, what reads them and what records them."""

import gzip
import json
import re
import zlib
from email.utils import parsedate_to_datetime

import brotli
import httpx
import pytest
import vcr
import yaml

from conformance import cassettes
from conformance.cassettes import CassetteError, Interaction, Response, load, names, read
from conformance.record import __main__ as command
from conformance.record import content, manifest
from conformance.record.normalise import DATE, NO_UUID, normalise
from conformance.record.recorder import Recorder, RecordingError
from conformance.record.servers import Kind, running
from conformance.record.topics import TOPICS, Topic, get

ENTRIES = manifest.entries(cassettes.DIRECTORY / manifest.NAME)

MINIMAL = {
    "request": {"method": "GET", "uri": "http://a.test/", "headers": {}, "body": None},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}},
}


def only(name: str) -> Interaction:
    (interaction,) = load(name)
    return interaction


def everything() -> list[Interaction]:
    return [interaction for name in names() for interaction in load(name)]


def event_lines(name: str) -> list[str]:
    return only(name).response.body.decode().split("\n")


def said(name: str) -> list[str]:
    return [line.removeprefix("data: ") for line in event_lines(name) if line.startswith("data: ")]


# What is there


def test_manifest_lists_all():
    """Every cassette has an entry in the manifest, and every entry a cassette."""
    assert tuple(sorted(ENTRIES)) == names()


def test_topics_are_recorded():
    """Every topic of the recorder has its cassette, and nothing else has one."""
    assert tuple(sorted(topic.name for topic in TOPICS)) == names()


@pytest.mark.parametrize("name", names())
def test_digest(name: str):
    """A cassette is the file that the manifest describes."""
    path = cassettes.DIRECTORY / f"{name}.yaml"

    assert manifest.digest(path) == ENTRIES[name]["sha256"]
    assert path.stat().st_size == ENTRIES[name]["bytes"]


@pytest.mark.parametrize("name", names())
def test_provenance(name: str):
    """A manifest entry says from what, how, when and with which requests it was recorded."""
    entry = ENTRIES[name]
    asked = [f"{each.request.method} {each.request.target}" for each in load(name)]

    assert entry["requests"] == asked
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["recorded"])
    assert re.match(r"(httpbin|sse-starlette) \d+\.\d+", entry["source"])
    assert entry["command"] == "make record"
    assert entry["normalised"]


def test_size():
    """All files together stay below 10 MB."""
    sizes = [file.stat().st_size for file in cassettes.DIRECTORY.rglob("*") if file.is_file()]

    assert sum(sizes) < 10_000_000


# What they hold


def test_reserved_hosts():
    """No recording names a host that exists, or a port."""
    for each in everything():
        host = "httpbin.test" if each.name.startswith("httpbin/") else "sse.test"
        assert each.request.url.startswith(f"http://{host}/")
        assert dict(each.request.headers)["Host"] == host
        said = str(each.response.headers).encode() + each.response.body
        assert not re.search(rb"localhost|127\.0\.0\.1:", said), str(each)


def test_content_length():
    """A Content-Length is the length of the body as it was sent, except where no body may be."""
    for each in everything():
        length = {n.lower(): v for n, v in each.response.headers}.get("content-length")
        if length and each.request.method != "HEAD":
            assert int(length) == len(each.response.body), str(each)


def test_dates():
    """Every date in a header is the fixed one."""
    values = [value for each in everything() for _, value in each.response.headers]

    dates = {value for value in values if re.match(r"\w{3}, \d\d \w{3} \d{4} ", value)}

    assert dates == {DATE}
    assert parsedate_to_datetime(DATE).year == 2026


@pytest.mark.parametrize(
    ("name", "undo", "flag"),
    [
        ("httpbin/gzip", gzip.decompress, "gzipped"),
        ("httpbin/deflate", zlib.decompress, "deflated"),
        ("httpbin/brotli", brotli.decompress, "brotli"),
    ],
)
def test_codings_kept(name: str, undo, flag: str):
    """A coded body is kept as it was sent, with its Content-Encoding."""
    response = only(name).response

    assert json.loads(undo(response.body))[flag] is True
    assert "Content-Encoding" in dict(response.headers)


def test_binary_and_text_bodies():
    """Bodies come back byte for byte, whether YAML has them as text or as binary."""
    bodies = [each.request.body for each in load("httpbin/anything")]

    assert bodies[2] == bytes(range(256))
    assert bodies[3] == "naïve, 日本語, 🧵\n".encode()
    assert bodies[0] == b""
    assert len(only("httpbin/bytes-large").response.body) == 100_000


def test_repeated_headers():
    """A header sent three times is there three times, in order, with the case it had."""
    headers = only("httpbin/response-headers").response.headers

    assert [pair for pair in headers if pair[0] == "X-Part"] == [
        ("X-Part", "one"),
        ("X-Part", "two"),
        ("X-Part", "one"),
    ]
    set_cookies = [
        v for n, v in load("httpbin/cookies-set")[0].response.headers if n == "Set-Cookie"
    ]
    assert set_cookies == ["flavour=oat; Path=/", "size=small; Path=/"]


def test_statuses():
    """The statuses are those asked for, and what may have no body has none."""
    statuses = {each.response.status: each.response for each in load("httpbin/status")}

    assert list(statuses) == [200, 204, 304, 404, 418, 500]
    assert statuses[204].body == statuses[304].body == b""
    assert b"teapot" in statuses[418].body


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_redirect_chain(kind: str):
    """Each Location of a chain is where the next request went."""
    chain = load(f"httpbin/{kind}-redirect-3")

    went = [httpx.URL(each.request.url) for each in chain]
    for here, each, after in zip(went, chain, went[1:], strict=False):
        location = dict(each.response.headers)["Location"]
        assert location.startswith("http://") == (kind == "absolute")
        assert here.join(location) == after
    assert [each.response.status for each in chain] == [302, 302, 302, 200]


def test_range():
    """A part is those bytes of the whole that its Content-Range names."""
    whole, part = (each.response for each in load("httpbin/range"))

    assert part.status == 206
    assert dict(part.headers)["Content-Range"] == "bytes 100-355/1024"
    assert part.body == whole.body[100:356]


def test_chat():
    """The chat completion is the story, a token a chunk, and ends with [DONE]."""
    *chunks, done = said("sse/chat")
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]

    assert done == "[DONE]"
    assert tuple(delta["content"] for delta in deltas[1:-1]) == content.STORY
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {}
    assert len(content.STORY) > 60
    assert json.loads(only("sse/chat").request.body)["stream"] is True


def test_raw_line_separator():
    """The chat completion has one U+2028, unescaped inside the JSON of one chunk."""
    body = only("sse/chat").response.body.decode()

    assert body.count("\u2028") == 1
    assert '"content":" in\u2028stay"' in body


def test_feed_ends():
    """The feed says the same with each of the three line ends, and has only that one."""
    lf, crlf, cr = (only(f"sse/feed-{end}").response.body for end in ("lf", "crlf", "cr"))

    assert b"\r" not in lf
    assert b"\n" not in cr
    assert crlf == lf.replace(b"\n", b"\r\n")
    assert cr == lf.replace(b"\n", b"\r")
    assert only("sse/feed-bom").response.body == b"\xef\xbb\xbf" + lf


def test_feed_fields():
    """The feed has ids, names, a retry, comments and data in several lines."""
    lines = event_lines("sse/feed-lf")

    assert {"retry: 3000", ": ping", "id: 1", "id: ", "event: grüße"} <= set(lines)
    assert lines[:2] == [": connected", "retry: 3000"]
    assert "data: first line\ndata: second line\n\n" in "\n".join(lines)


def test_feed_resumed():
    """Asked with a Last-Event-ID, the feed goes on after that event."""
    each = only("sse/feed-resumed")
    after = only("sse/feed-lf").response.body.partition(b"data: second line\n\n")[2]

    assert dict(each.request.headers)["Last-Event-ID"] == "2"
    assert each.response.body == after


def test_large_event():
    """The large event is one line of data of exactly 1 MiB, and is JSON."""
    large, small = said("sse/large-event")

    assert len(large.encode()) == content.MEBIBYTE
    assert len(json.loads(large)) > 20_000
    assert small == "after the large event"


def test_download():
    """The large download is about 4 MB of different lines that compress to less than a quarter."""
    body = only("sse/download").response.body

    assert 3_900_000 < len(body) < 4_200_000
    assert len(set(body.splitlines())) == 42_000
    assert len(gzip.compress(body, 1)) < len(body) / 4


# What reads them


def test_target():
    """A request's target is what stands in its request line."""
    request = cassettes.Request("GET", "http://a.test", (), b"")

    assert request.target == "/"
    assert only("httpbin/get").request.target == "/get?page=2&sort=name"


def test_entity_headers():
    """What frames a message is left out of the entity headers, in any case; the rest is kept."""
    framing = ("content-length", "Transfer-Encoding", "CONNECTION", "Keep-Alive")
    headers = (("A", "1"), *((name, "x") for name in framing), ("A", "2"))

    assert Response(200, "OK", headers, b"").entity_headers == (("A", "1"), ("A", "2"))


def test_interaction_as_text():
    """An interaction names itself by cassette, request and status."""
    assert str(load("httpbin/etag")[1]) == "httpbin/etag: GET /etag/tag-1 -> 304"


def test_unknown_name():
    """An unknown name is refused with those that are near to it."""
    with pytest.raises(CassetteError) as caught:
        load("httpbin/steam-5")

    assert str(caught.value).startswith(
        f"there is no cassette 'httpbin/steam-5' in {cassettes.DIRECTORY}"
    )
    assert "near to it: httpbin/stream-5, " in str(caught.value)


def test_name_outside():
    """A name cannot lead out of the folder."""
    with pytest.raises(CassetteError, match=r"there is no cassette '\.\./pyproject'"):
        load("../pyproject")


def without(place: str, key: str) -> dict:
    """An interaction that lacks one field."""
    return MINIMAL | {place: {name: v for name, v in MINIMAL[place].items() if name != key}}


def having(place: str, key: str, value) -> dict:
    """An interaction with one field replaced."""
    return MINIMAL | {place: MINIMAL[place] | {key: value}}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("text", ", interaction 2 is str, not a mapping"),
        ({"request": MINIMAL["request"]}, ", interaction 2 has no response"),
        (without("request", "uri"), ", interaction 2, request has no uri"),
        (having("request", "method", 1), ", interaction 2, request.method is int, not str"),
        (having("request", "body", 1), ", interaction 2, request.body is int, not text or binary"),
        (having("response", "headers", []), ", interaction 2, response.headers is list, not dict"),
        (
            having("response", "headers", {"A": "1"}),
            ", interaction 2, response.headers.A is str, not list",
        ),
        (
            having("response", "headers", {"A": [1]}),
            ", interaction 2, response.headers.A holds 1, not a string",
        ),
        (
            having("response", "status", {"code": "200", "message": "OK"}),
            ", interaction 2, response.status.code is str, not int",
        ),
    ],
)
def test_malformed(tmp_path, entry, message: str):
    """A file that is not a cassette is refused with its name and the place in it."""
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [MINIMAL, entry]}))

    with pytest.raises(CassetteError) as caught:
        read(path, "bad")

    assert str(caught.value) == f"{path}{message}"


@pytest.mark.parametrize("text", ["a: [", "!!python/object:os.system {}"])
def test_not_yaml(tmp_path, text: str):
    """What is not YAML, or more than data, is refused with the file's name."""
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    with pytest.raises(CassetteError, match=re.escape(f"{path} is not YAML: ")):
        read(path, "bad")


@pytest.mark.parametrize("name", ["httpbin/stream-5", "httpbin/gzip", "sse/feed-cr"])
def test_vcrpy_replays(name: str):
    """A cassette can be played to httpx by vcrpy itself, without a server."""
    each = only(name)
    path = cassettes.DIRECTORY / f"{name}.yaml"

    with vcr.use_cassette(path, record_mode="none") as tape, httpx.Client() as client:
        with client.stream(each.request.method, each.request.url) as response:
            raw = b"".join(response.iter_raw())
        assert tape.all_played

    assert (response.status_code, raw) == (each.response.status, each.response.body)


# What records them


def answer(body: bytes = b"", **headers: str) -> dict:
    return {
        "headers": {name.replace("_", "-"): [value] for name, value in headers.items()},
        "body": {"string": body},
    }


@pytest.mark.parametrize(
    ("sent", "kept", "rules"),
    [
        (answer(date="now"), answer(date=DATE), 1),
        (answer(Date="now", Last_Modified="now"), answer(Date=DATE, Last_Modified=DATE), 2),
        (answer(ETag="a1" * 16), answer(ETag=NO_UUID), 1),
        (answer(ETag="tag-1"), answer(ETag="tag-1"), 0),
        (
            answer(b"\x1f\x8b\x08\x00timeREST", Content_Encoding="gzip"),
            answer(b"\x1f\x8b\x08\x00\0\0\0\0REST", Content_Encoding="gzip"),
            1,
        ),
        (answer(b"\x1f\x8b\x08\x00time"), answer(b"\x1f\x8b\x08\x00time"), 0),
    ],
)
def test_normalise(sent: dict, kept: dict, rules: int):
    """What changes from run to run is made constant, and each rule that applied is named."""
    applied = normalise(sent)

    assert sent == kept
    assert len(applied) == rules


def test_server_that_fails(tmp_path):
    """A server that does not start is an error that shows the server's own words."""
    kind = Kind("none.test", "no_such_module", "{fd}", ())

    with running(kind) as server, pytest.raises(RecordingError) as caught:
        Recorder(server, tmp_path).record(Topic("none/get", (get("/get"),)))

    assert str(caught.value).startswith("no answer to GET /get: ")
    assert "no_such_module ended with 1; its log ends:\n" in str(caught.value)
    assert "No module named no_such_module" in str(caught.value)


def test_server_is_stopped():
    """A server is stopped when its block ends, also when the block fails."""
    kind = Kind("none.test", "http.server", "0 --bind 127.0.0.1", ())

    with pytest.raises(KeyError), running(kind) as server:
        raise KeyError(server.process)

    assert server.process.poll() is not None


def test_install(tmp_path):
    """What was recorded replaces what was there, and a cassette without a topic goes."""
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    for path, text in {
        fresh / "a" / "new.yaml": "1",
        fresh / "a" / "same.yaml": "1",
        fresh / "a" / "other.yaml": "2",
        kept / "a" / "same.yaml": "1",
        kept / "a" / "other.yaml": "1",
        kept / "a" / "old.yaml": "1",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (kept / "README.md").write_text("stays")

    before = command.differences(fresh, kept)
    command.install(fresh, kept)

    assert before == ["new: a/new.yaml", "gone: a/old.yaml", "changed: a/other.yaml"]
    assert command.differences(fresh, kept) == []
    assert (kept / "README.md").read_text() == "stays"


def test_no_drift(capsys):
    """Recording everything again gives the same files."""
    pytest.importorskip("httpbin", reason="the servers are installed by `make record` only")

    assert command.main(["--check"]) == 0, capsys.readouterr().out
