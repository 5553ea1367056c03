"""examples/resume.py, as a user runs it, against the tape."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from tests.test_examples import example, outcome

CONTENT = bytes(range(256)) * 100
SUM = hashlib.sha256(CONTENT).hexdigest()
TAGGED = (("ETag", '"v1"'),)
LENGTH = Delivery("content-length")
BROKEN = Delivery("content-length", end=("close", 1000))


@pytest.fixture
def tape() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


def rest(start: int) -> Reply:
    place = ("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
    return Reply(206, (*TAGGED, place), CONTENT[start:], "Partial Content")


def test_the_rest_is_asked_for(tape: Tape, tmp_path: Path) -> None:
    """After a break only the rest is asked for, of the same file; its checksum is printed."""
    whole = Reply(200, TAGGED, CONTENT)
    exchange = tape.play_sequence([(whole, BROKEN), (rest(1000), LENGTH)])

    done = example("resume.py", exchange.url, "file.bin", "--sha256", SUM, cwd=tmp_path)

    first, second = exchange.requests
    assert outcome(done) == (0, f"{SUM} file.bin\n", "")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert first.values("range") == []
    assert second.values("range") == [b"bytes=1000-"]
    assert second.values("if-range") == [b'"v1"']
    assert first.values("accept-encoding") == second.values("accept-encoding") == [b"identity"]


@pytest.mark.parametrize("tag", [(), (("ETag", 'W/"v1"'),)])
def test_the_whole_again(tape: Tape, tmp_path: Path, tag: tuple[tuple[str, str], ...]) -> None:
    """Without a strong tag nothing says that it is the same file, so it begins anew."""
    whole = Reply(200, tag, CONTENT)
    exchange = tape.play_sequence([(whole, BROKEN), (whole, LENGTH)])

    done = example("resume.py", exchange.url, "file.bin", cwd=tmp_path)

    assert outcome(done) == (0, f"{SUM} file.bin\n", "")
    assert exchange.requests[1].values("range") == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_changed_file(tape: Tape, tmp_path: Path) -> None:
    """A file that has changed since comes whole, and replaces what was there of the old one."""
    old, new = Reply(200, TAGGED, b"x" * 5000), Reply(200, (("ETag", '"v2"'),), CONTENT)
    exchange = tape.play_sequence([(old, BROKEN), (new, LENGTH)])

    done = example("resume.py", exchange.url, "file.bin", cwd=tmp_path)

    assert outcome(done) == (0, f"{SUM} file.bin\n", "")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_another_part(tape: Tape, tmp_path: Path) -> None:
    """A part that was not asked for is refused, for it would end up in the wrong place."""
    whole = Reply(200, TAGGED, CONTENT)
    exchange = tape.play_sequence([(whole, BROKEN), (rest(999), LENGTH)])

    done = example("resume.py", exchange.url, "file.bin", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{exchange.url}: this is not the part that was asked for\n"
    assert not (tmp_path / "file.bin").exists()


def test_a_wrong_checksum(tape: Tape, tmp_path: Path) -> None:
    """A file with another checksum does not get its name."""
    exchange = tape.play(Reply(body=CONTENT), LENGTH)

    done = example("resume.py", exchange.url, "file.bin", "--sha256", "0", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{exchange.url}: the checksum is {SUM}, not 0\n"
    assert not (tmp_path / "file.bin").exists()
