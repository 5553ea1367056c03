"""`python -m conformance.peers [client…]`: judge other people's clients; write their results.

Each client has an environment of its own, `.venv-peers/<client>`, and beside it a copy of the suite
as it is when the run begins, so that no client meets this checkout's `fasthttp` by accident, and
nobody's edit changes the suite amid a run. Two clients run at once, unless `--at-once` says another
number: most of a run is waiting. What hangs or dies costs its own verdicts, and no other client's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance import baseline as baselines
from conformance import report as reports
from conformance.peers.clients import CLIENTS, HERE, Client
from conformance.peers.settle import excused, settled
from conformance.peers.settle import trials as trials_of
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from pathlib import Path

ROOT = HERE.parent.parent
HOME = ROOT / ".venv-peers"
RESULTS = HERE.parent / "results"
LONGEST = 1500.0  # seconds for one client, in which even one that hangs everywhere is through
# Seconds for one trial, Hypothesis's search included: then the process is given up as dead. The
# suite cuts off what merely waits; this is for what holds the interpreter.
STUCK = 120
RAW = "report.json"  # what the suite wrote, beside the client's environment
FUZZ = 10  # examples for each property


class Failed(Exception):  # noqa: N818 - says what could not be done
    """A client could not be installed, or not be judged; the others still can."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the clients named, or all; 3 if one of them could not be judged."""
    parser = argparse.ArgumentParser("python -m conformance.peers", description=__doc__)
    parser.add_argument("client", nargs="*", choices=[[], *CLIENTS], help="all, if none is named")
    parser.add_argument("--fuzz", type=int, default=FUZZ, help="examples for each property")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="so many clients")
    parser.add_argument(
        "--only", metavar="EXPRESSION", help="trials, as for -k; nothing is written"
    )
    parser.add_argument("--write-baseline", action="store_true", help="merge what deviates")
    parser.add_argument("--again", action="store_true", help="of the last run, without another")
    options = parser.parse_args(arguments)
    if options.at_once < 1:
        parser.error("--at-once: at least one client must have its turn")

    async def one(name: str) -> str:
        client = CLIENTS[name]
        if not options.again:
            await judge(client, options.fuzz, options.only)
        return "" if options.only else publish(client, rewrite=options.write_baseline)

    return asyncio.run(several(options.client or CLIENTS, one, options.at_once))


async def several(
    names: Collection[str], one: Callable[[str], Awaitable[str]], at_once: int
) -> int:
    """Do `one` for each name, so many at once, and print what it tells; 3 if one has failed."""
    places, began, failed = asyncio.Semaphore(at_once), time.monotonic(), []

    async def turn(name: str) -> None:
        async with places:
            since = time.monotonic()
            try:
                told = await one(name)
            except (Failed, baselines.BaselineError, OSError, ValueError) as error:
                failed.append(name)
                told = f"FAILED: {error}"
            print(f"{name:<18} {time.monotonic() - since:5.0f} s   {told}", flush=True)

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(turn(name))
    told = f"{len(names)} clients, {at_once} at once: {time.monotonic() - began:.0f} s"
    print(f"{told}; failed: {', '.join(failed)}" if failed else told, flush=True)
    return 3 if failed else 0


async def judge(client: Client, fuzz: int, only: str | None) -> None:
    """Judge one client; the report is in its environment."""
    home = await asyncio.to_thread(environment, client)
    suite = await asyncio.to_thread(copy, client, home / "suite")
    made, log = home / RAW, home / "run.log"
    made.unlink(missing_ok=True)
    trials = filter(None, [only and f"({only})", client.selection(catalogue.load())])
    command = [
        *(["nice"] if shutil.which("nice") else []),
        str(home / "bin" / "python"),
        *("-c", "from conformance.rerun import main; raise SystemExit(main())"),
        *(client.subject, "--claims", ",".join(client.claims), "--fuzz", str(fuzz)),
        *("--report", str(made), "-k", " and ".join(trials)),
        # One worker, replaced whenever the client takes it down with it.
        *("-n", "1", "--max-worker-restart", "1000"),
        *("-o", f"faulthandler_timeout={STUCK}", "-o", "faulthandler_exit_on_timeout=true"),
    ]
    code = await through(command, suite, log, LONGEST)
    if not made.exists():
        raise Failed(f"exit code {code}, no report; see {log}")


async def through(command: Sequence[str], folder: Path, log: Path, longest: float) -> int:
    """The exit code of a command, of which nothing is left then; `Failed` if it takes longer."""
    with log.open("w") as output:
        run = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=clean(os.environ),
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(longest):
                return await run.wait()
        except TimeoutError:
            raise Failed(f"not through after {longest:g} s; see {log}") from None
        finally:
            with suppress(ProcessLookupError):  # nothing of it is left, as a rule
                os.killpg(run.pid, signal.SIGKILL)
            await run.wait()


def publish(client: Client, *, rewrite: bool) -> str:
    """Apply the client's baseline to its last report, and keep that; what it comes to, in words."""
    path = client.folder / "baseline.toml"
    made = HOME / client.name / RAW
    if not made.exists():
        raise Failed("it has not been judged yet")
    without = {*client.left_away(catalogue.load()), *client.without}
    found = settled(json.loads(made.read_text("utf-8")), str(ROOT), without)
    expected = baselines.read(path, catalogue.load()) if path.exists() else baselines.Baseline()
    if rewrite:
        expected = expected.merged(trials_of(found), found["requirements"])
        path.write_text(expected.text(), "utf-8")
    found = excused(found, expected)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{client.name}.json").write_text(reports.text(found), "utf-8")
    states = Counter(one["state"] for one in found["requirements"].values())
    return ", ".join(f"{number} {state}" for state, number in states.most_common())


def environment(client: Client) -> Path:
    """The client's environment, made if it is not there or its requirements have changed."""
    home = HOME / client.name
    python, stamp = home / "bin" / "python", home / ".installed"
    files = [HERE / "requirements.txt", client.folder / "requirements.txt"]
    wanted = "\n".join([str(ROOT), sys.version, *(file.read_text("utf-8") for file in files)])
    if python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return home
    print(f"installing {client.package} into {home.relative_to(ROOT)}", flush=True)
    venv.create(home, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run(
        [*pip, *(part for file in files for part in ("-r", str(file)))],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failed((done.stderr.strip() or "pip gave no reason").splitlines()[-1])
    stamp.write_text(wanted, "utf-8")
    return home


def copy(client: Client, folder: Path) -> Path:
    """The suite as it is now, and fasthttp only where it is what is judged."""
    shutil.rmtree(folder, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__", "results")
    for name in ("conformance", "spec", *(["fasthttp"] if client.ours else [])):
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    if client.ours:
        version = (ROOT / "fasthttp" / "version.py").read_text("utf-8").split('"')[-2]
        told = folder / f"fasthttp-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Name: fasthttp\nVersion: {version}\n")
        (told / "top_level.txt").write_text("fasthttp\n")
    (folder / "cassettes").symlink_to(ROOT / "cassettes")
    return folder


def clean(variables: os._Environ[str]) -> dict[str, str]:
    """The environment without what would lead a client elsewhere than to the tape."""
    ways = ("_proxy", "pythonpath")
    return {key: value for key, value in variables.items() if not key.lower().endswith(ways)}


if __name__ == "__main__":
    sys.exit(main())
