"""The command `python -m conformance.record [--check]`.

Everything is recorded into a new folder first, and cassettes/ changes only when all of it has
succeeded. With --check it never does: what differs is printed, and is the exit status.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.cassettes import DIRECTORY
from conformance.record import manifest
from conformance.record.recorder import Recorder, RecordingError
from conformance.record.servers import KINDS, running
from conformance.record.topics import TOPICS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.record", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, tell what differs")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        try:
            record(fresh)
        except RecordingError as error:
            print(f"Not recorded: {error}", file=sys.stderr)
            return 1
        changes = differences(fresh, DIRECTORY)
        if not check:
            install(fresh, DIRECTORY)
    for change in changes:
        print(change)
    verb = "differ" if check else "changed"
    print(f"{len(TOPICS)} cassettes recorded, {len(changes)} files {verb}.")
    return 1 if check and changes else 0


def record(into: Path) -> None:
    """Record all topics, and their manifest, into a folder."""
    normalised: dict[str, list[str]] = {}
    for name, kind in KINDS.items():
        with running(kind) as server:
            recorder = Recorder(server, into)
            normalised |= {
                topic.name: recorder.record(topic) for topic in TOPICS if topic.server == name
            }
    old = manifest.entries(DIRECTORY / manifest.NAME)
    text = manifest.build(into, TOPICS, normalised, old)
    (into / manifest.NAME).write_text(text, encoding="utf-8")


def differences(fresh: Path, kept: Path) -> list[str]:
    """What is new, changed or gone, a line each."""
    new, old = _contents(fresh), _contents(kept)
    words = {name: _word(old.get(name), new.get(name)) for name in sorted(new | old)}
    return [f"{word}: {name}" for name, word in words.items() if word]


def install(fresh: Path, kept: Path) -> None:
    """Make the files in `kept` those in `fresh`."""
    for name in _contents(kept).keys() - _contents(fresh).keys():
        (kept / name).unlink()
    for name, content in _contents(fresh).items():
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / name).write_bytes(content)


def _contents(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*.yaml")}


def _word(old: bytes | None, new: bytes | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    return "changed" if old != new else ""


if __name__ == "__main__":
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # so that the servers are stopped then too
    sys.exit(main())
