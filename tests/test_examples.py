"""The examples and the README's programs, run as a user runs them, against the tape."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cassettes import load
from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange
from conformance.record.content import STORY
from conformance.tape import Tape
from examples.demo import play

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMAND = (sys.executable, "-X", "dev", "-W", "error")

# The debug mode of asyncio, part of `-X dev`, names every step that took over 0.1 s. What it
# measures here is how busy the machine is.
SLOW_STEP = re.compile(r"^Executing <.*> took \d+\.\d+ seconds\n", re.MULTILINE)

Finished = subprocess.CompletedProcess[str]


@pytest.fixture
def tape() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


def environment(**more: str) -> dict[str, str]:
    """Of this process, without what a user may have set for these programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | {"no_proxy": "*", "PYTHONIOENCODING": "utf-8"} | more


def run(*arguments: str, cwd: Path = ROOT, **env: str) -> Finished:
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    done.stderr = SLOW_STEP.sub("", done.stderr)
    return done


def example(name: str, *arguments: str, cwd: Path = ROOT, **env: str) -> Finished:
    return run(str(ROOT / "examples" / name), *arguments, cwd=cwd, **env)


def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, str(ROOT / "examples" / name), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Its exit code, what else it printed, and its complaints."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), SLOW_STEP.sub("", err.decode())


def recorded(tape: Tape, name: str, delivery: Delivery | None = None) -> Exchange:
    return play(tape, load(name)[0], delivery or Delivery())


def outcome(done: Finished) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


# chat.py


def test_chat_prints_the_answer(tape: Tape) -> None:
    """The tokens make up the answer; the prompt went out, and a key only if there is one."""
    exchange = recorded(tape, "sse/chat")

    assert outcome(example("chat.py", exchange.url, "Hi!")) == (0, "".join(STORY) + "\n", "")
    example("chat.py", exchange.url, OPENAI_API_KEY="secret", OPENAI_MODEL="story-1")

    first, second = exchange.requests
    question = json.loads(first.body)
    assert question["messages"] == [{"role": "user", "content": "Hi!"}]
    assert question["stream"] is True
    assert first.values("authorization") == []
    assert second.values("authorization") == [b"Bearer secret"]
    assert json.loads(second.body)["model"] == "story-1"


def test_chat_prints_each_token_at_once(tape: Tape) -> None:
    """The first token is on the screen while the server keeps back the second."""
    body = load("sse/chat")[0].response.body
    hold = body.index(b'"Once"') + body[body.index(b'"Once"') :].index(b"\n\n") + 2
    exchange = recorded(tape, "sse/chat", Delivery(held=(hold,)))

    with start("chat.py", exchange.url) as process:
        assert process.stdout is not None
        first = process.stdout.read(len(STORY[0]))
        exchange.release()
        rest = ended(process)

    assert first == STORY[0].encode()
    assert rest == (0, "".join(STORY[1:]) + "\n", "")


def test_chat_says_what_the_server_refused(tape: Tape) -> None:
    """An error of the server is shown with its body, and is a failure."""
    exchange = recorded(tape, "sse/chat-error")

    code, out, err = outcome(example("chat.py", exchange.url))

    assert (code, out) == (1, "")
    assert err.startswith(f"{exchange.url}: 404 Not Found\n")
    assert "The model 'no-such-model' does not exist" in err


@pytest.mark.parametrize("name", ["chat.py", "download.py", "events.py", "tail.py"])
def test_no_server(name: str, tmp_path: Path) -> None:
    """Without a server there is one line that says so, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    done = example(name, f"http://127.0.0.1:{port}/", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"http://127.0.0.1:{port}/: cannot connect to 127.0.0.1:{port}")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["chat.py", "download.py"])
@pytest.mark.parametrize("url", ["ftp://files.test/x", "127.0.0.1:8000/x", "files.test/x"])
def test_no_url(name: str, url: str, tmp_path: Path) -> None:
    """What is no URL is named, without a traceback, and what it should be."""
    done = example(name, url, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{url}: ")
    assert "https://" in done.stderr
    assert done.stderr.count("\n") == 1


# download.py


def test_download_writes_the_file(tape: Tape, tmp_path: Path) -> None:
    """The file has the URL's name and every byte; the one line printed gives its size."""
    exchange = recorded(tape, "sse/download", Delivery("content-length"))

    code, out, err = outcome(example("download.py", exchange.url, cwd=tmp_path))

    assert (code, err) == (0, "")
    assert re.fullmatch(r"service\.log: 4,008,279 bytes in \d+\.\d\d s, \d+\.\d MB/s\n", out)
    assert [path.name for path in tmp_path.iterdir()] == ["service.log"]
    assert (tmp_path / "service.log").read_bytes() == load("sse/download")[0].response.body


def test_download_leaves_no_part_of_a_file(tape: Tape, tmp_path: Path) -> None:
    """A download that was cut short says how far it came, and leaves nothing that looks whole."""
    cut = Delivery("content-length", end=("close", 1_000_000))
    exchange = recorded(tape, "sse/download", cut)

    done = example("download.py", exchange.url, "mine.log", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "1000000 of 4008279" in done.stderr.replace(",", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("framing", "last"), [("content-length", "4.0 of 4.0 MB 100%"), ("chunked", "4.0 MB")]
)
def test_download_shows_progress(tape: Tape, tmp_path: Path, framing: str, last: str) -> None:
    """On a terminal one line shows how much there is, of how much if the server says so."""
    exchange = recorded(tape, "sse/download", Delivery(framing))
    ours, theirs = pty.openpty()

    done = subprocess.run(
        [*COMMAND, str(ROOT / "examples/download.py"), exchange.url],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    drawn = SLOW_STEP.sub("", os.read(ours, 65536).decode().replace("\r\n", "\n"))
    os.close(ours)

    assert done.returncode == 0
    assert re.fullmatch(r"(\r *\d.*)+\n", drawn)
    assert re.fullmatch(rf"{re.escape(last)}  \d+\.\d MB/s *\n", drawn.rpartition("\r")[2])


# events.py


def test_events_prints_each_event(tape: Tape) -> None:
    """Every event comes with its type, the id in force, and all lines of its data."""
    exchange = play(tape, load("sse/feed-lf")[0], Delivery())

    code, out, err = outcome(example("events.py", exchange.url))

    assert (code, err) == (0, "")
    assert out.startswith("status, id '1'\n    {\"state\": \"ready\"}\n\nmessage, id '1'\n")
    assert "note, id '2'\n    first line\n    second line\n\n" in out
    assert "grüße, id '3'\n    schöne Grüße, 你好 👋\n" in out


def test_events_goes_on_after_an_id(tape: Tape) -> None:
    """With the id of the last event the server is asked for what follows."""
    exchange = recorded(tape, "sse/feed-resumed")

    code, out, _ = outcome(example("events.py", exchange.url, "2"))

    assert code == 0
    assert exchange.requests[0].values("last-event-id") == [b"2"]
    assert out.startswith("grüße, id '3'\n")


def test_events_wants_events(tape: Tape) -> None:
    """What is no event stream is refused, and named."""
    exchange = recorded(tape, "httpbin/json")

    code, out, err = outcome(example("events.py", exchange.url))

    assert (code, out) == (1, "")
    assert "expected Content-Type text/event-stream, got 'application/json'" in err


# tail.py


def test_tail_prints_lines(tape: Tape) -> None:
    """JSON objects are printed as pairs, other lines as they are."""
    exchange = tape.play(Reply(body='{"ms": 3, "path": "/é"}\nplain\n[1]\n\nno end'.encode()))

    done = example("tail.py", exchange.url)

    assert outcome(done) == (0, "ms=3 path=/é\nplain\n[1]\n\nno end\n", "")


def test_tail_stops_when_it_has_enough(tape: Tape) -> None:
    """After the lines asked for it leaves, though the server has more to say."""
    exchange = tape.play(Reply(body=b"again\n" * 9), Delivery(held=(24,)))

    assert outcome(example("tail.py", exchange.url, "--lines", "3")) == (0, "again\n" * 3, "")
    assert exchange.wait_end() in {"client-closed", "client-reset"}


def test_tail_ends_on_ctrl_c(tape: Tape) -> None:
    """Interrupted while the server is silent, it ends at once and without a traceback."""
    exchange = tape.play(Reply(body=b"one\ntwo\n"), Delivery(held=(4,)))

    with start("tail.py", exchange.url) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = ended(process)

    assert (first, rest) == (b"one\n", (130, "", ""))
    assert exchange.wait_end() in {"client-closed", "client-reset"}


def test_tail_into_head(tape: Tape) -> None:
    """Whoever reads its output may stop reading."""
    exchange = tape.play(Reply(body=b"again\n" * 9), Delivery(held=(6,)))

    with start("tail.py", exchange.url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        exchange.release()
        complaints = SLOW_STEP.sub("", process.stderr.read().decode())
        code = process.wait(60)

    assert (code, complaints) == (0, "")


# demo.py


def without_times(text: str) -> str:
    """The same without what differs from run to run."""
    return re.sub(r"\d+(\.\d+)?(?= s\b| MB/s)", "#", text)


@pytest.fixture(scope="module")
def demo() -> Finished:
    # A proxy that nobody answers at: the demo is to work without any network.
    dead = "http://127.0.0.1:9"
    return run("-m", "examples.demo", HTTP_PROXY=dead, http_proxy=dead, no_proxy="", NO_PROXY="")


def test_demo_tells_what_it_showed(demo: Finished) -> None:
    """It ends with one line for the chat and one for the download, with the numbers measured."""
    *_, chat, download = demo.stdout.splitlines()

    assert (demo.returncode, demo.stderr) == (0, "")
    assert "".join(STORY) in demo.stdout
    assert re.match(r"chat: 134 tokens in \d+\.\d\d s, the first after \d+\.\d\d s, ", chat)
    assert re.match(r"download: 4,008,279 bytes in \d+\.\d+ s, \d+ MB/s, ", download)


def test_demo_tokens_trickle(demo: Finished) -> None:
    """The first token was there long before the last: nothing waited for the whole answer."""
    found = re.search(r"134 tokens in (\S+) s, the first after (\S+) s", demo.stdout)

    assert found
    assert float(found[2]) < float(found[1]) / 3


def test_demo_shows_progress(demo: Finished) -> None:
    """Without a terminal the progress of the download is a line a quarter, the last at 100%."""
    lines = re.findall(r"^(\S+) of 4\.0 MB +(\d+)%$", demo.stdout, re.MULTILINE)

    assert len(lines) >= 2
    assert lines == sorted(lines, key=lambda line: int(line[1]))
    assert lines[-1] == ("4.0", "100")


# README.md


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_readme_shows_the_demo(demo: Finished) -> None:
    """What the README shows of the demo is what the demo prints, but for the times."""
    shown = next(block for block in blocks("text") if "tokens in" in block)
    left_out = ".*".join(map(re.escape, without_times(shown).strip().split("\n…\n")))

    assert re.search(left_out, without_times(demo.stdout), re.DOTALL)
