"""Other people's clients: their adapters keep to the rule; what is told is what was found."""

from __future__ import annotations

import ast
import asyncio
import copy
import importlib
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from conformance import baseline as baselines
from conformance import scoreboard
from conformance.baseline import Baseline, Entry
from conformance.peers import __main__ as peers
from conformance.peers import settle
from conformance.peers.clients import CLIENTS, HERE, Client
from fasthttp import AsyncSession
from spec import catalogue
from tests.suite.runs import ROOT, python, suite

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = catalogue.load()
SCHEMA = json.loads((ROOT / "conformance" / "schema.json").read_text("utf-8"))
RESULTS = sorted(set(scoreboard.RESULTS.glob("*.json")) - {scoreboard.RESULTS / "kill-matrix.json"})
ADAPTERS = sorted(HERE.glob("*/session.py"))
LONGEST = 400_000  # bytes of a result: they are kept with the sources
MUST, SHOULD, OTHER = "lines-endings", "lines-cr-arrival", "text-whole"


def folder(path: Path) -> str:
    return path.parent.name


# The adapters


def test_each_client_has_its_folder() -> None:
    """What is listed is there, and what is there is listed."""
    folders = {path.parent.name for path in HERE.glob("*/requirements.txt")}

    assert folders == set(CLIENTS)
    assert {client.name for client in CLIENTS.values() if not client.session} == {
        folder(path) for path in ADAPTERS
    }


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_requirements_are_pinned(client: Client) -> None:
    """A result can be had again: every package is named with its version."""
    for line in (client.folder / "requirements.txt").read_text("utf-8").splitlines():
        assert re.match(r"[\w-]+(\[[\w,]+\])?==\S+", line), line


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_what_is_left_away_is_there(client: Client) -> None:
    """A rule that a client is not judged by exists, and there is a reason."""
    from conformance.plugin import trials

    names = {*KNOWN, *(found.chapter for found in KNOWN.values()), *map(str, trials())}

    assert client.without.keys() <= names
    assert all(client.without.values())


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_baselines_have_reasons(client: Client) -> None:
    """Every deviation that is excused is explained, of some kind, and has a source."""
    path = client.folder / "baseline.toml"
    entries = baselines.read(path, KNOWN).entries if path.exists() else {}

    assert [id_ for id_, entry in entries.items() if entry.reason in ("", baselines.TO_DO)] == []
    assert [id_ for id_, entry in entries.items() if not (entry.kind and entry.source)] == []


@pytest.mark.parametrize("path", ADAPTERS, ids=folder)
def test_adapters_can_be_imported(path: Path) -> None:
    """The module loads wherever its client is installed, and has the class."""
    tree = ast.parse(path.read_text("utf-8"))
    needed = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    if missing := sorted(name for name in needed if find_spec(name) is None):
        pytest.skip(f"{', '.join(missing)} is not installed here; `make matrix` installs it")
    if folder(path) == "fasthttp_client":
        pytest.skip("the fasthttp here is this project's, not the one that is adapted")

    assert importlib.import_module(f"conformance.peers.{folder(path)}.session").Session


@pytest.mark.parametrize("path", ADAPTERS, ids=folder)
def test_adapters_make_no_generators(path: Path) -> None:
    """A generator around the client's iterator would be left to the garbage collector."""
    yields = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Yield)
    ]

    assert yields == []


@pytest.mark.parametrize("path", ADAPTERS, ids=folder)
def test_adapters_know_no_check(path: Path) -> None:
    """An adapter imports its client, httpx's names, and what adapters share."""
    imported = [
        str(node.module)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]

    assert [
        name
        for name in imported
        if name.startswith(("conformance", "spec", "tests"))
        and not name.startswith("conformance.peers")
    ] == []


def test_the_suite_needs_no_fasthttp() -> None:
    """Beside another package of that name, the suite never imports ours."""
    program = (
        "import sys, conformance, conformance.plugin, conformance.scoreboard;"
        "conformance.discover(); print('fasthttp' in sys.modules)"
    )

    assert python("-c", program).stdout.strip() == "False"


class Aborts(AsyncSession):
    """Takes the interpreter down, in one of its methods."""

    async def get(self, *positional: Any, **named: Any) -> Any:
        os.abort()


def test_an_abort_costs_its_verdict(tmp_path: Path) -> None:
    """The process is gone, its trial has failed, and the others are judged."""
    report = tmp_path / "report.json"
    trials = "session-verbs-whole or session-status-first or session-leave-early"
    name = "tests.suite.test_peers:Aborts"
    options = ("--session", name, "-k", trials, "-n", "1", "--max-worker-restart", "9")

    suite(*options, "--report", report)

    found = json.loads(report.read_text("utf-8"))["requirements"]
    assert {id_: one["state"] for id_, one in found.items() if one["trials"]} == {
        "session-verbs-whole": "fail",
        "session-status-first": "pass",
        "session-leave-early": "pass",
    }


# Several clients at once


async def test_so_many_clients_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """All have their turn, never more at once than asked for; the last line has the whole time."""
    turns: list[int] = []
    running: set[str] = set()
    both = asyncio.Barrier(2)

    async def one(name: str) -> str:
        running.add(name)
        turns.append(len(running))
        await both.wait()
        running.discard(name)
        return f"{name} told"

    assert await peers.several(["a", "b", "c", "d"], one, at_once=2) == 0

    assert max(turns) == 2
    *each, last = capsys.readouterr().out.splitlines()
    assert sorted(line.split(maxsplit=1)[0] for line in each) == ["a", "b", "c", "d"]
    assert re.fullmatch(r"4 clients, 2 at once: \d+ s", last)


async def test_a_client_that_fails_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be installed, judged or published is named; the rest is done all the same."""

    async def one(name: str) -> str:
        if name == "a":
            raise peers.Failed("no such package")
        if name == "b":
            raise baselines.BaselineError("b.toml: wrong")
        return "39 pass"

    assert await peers.several(["a", "b", "c"], one, at_once=1) == 3

    a, b, c, last = capsys.readouterr().out.splitlines()
    assert a.endswith("FAILED: no such package")
    assert b.endswith("FAILED: b.toml: wrong")
    assert c.endswith("39 pass")
    assert last.endswith("; failed: a, b")


def lives(pid: int) -> bool:
    """Whether there is such a process, and it is more than an entry that nobody has asked for."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return bool(asked.stdout.strip()) and not asked.stdout.startswith(b"Z")


async def test_nothing_is_left_of_a_client(tmp_path: Path) -> None:
    """A run that takes too long is ended with all that it has started."""
    log = tmp_path / "run.log"
    program = (
        "import os, subprocess, sys; child = subprocess.Popen(['sleep', '60']);"
        "print(child.pid, flush=True); child.wait()"
    )

    with pytest.raises(peers.Failed, match=r"^not through after 1 s; see "):
        await peers.through([sys.executable, "-c", program], tmp_path, log, 1.0)

    async with asyncio.timeout(5):
        while lives(int(log.read_text())):  # noqa: ASYNC110 - a process of nobody has no event
            await asyncio.sleep(0.01)


async def test_a_run_that_is_broken_off_is_ended(tmp_path: Path) -> None:
    """Ctrl+C leaves no client behind."""
    log = tmp_path / "run.log"
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    run = asyncio.ensure_future(peers.through([sys.executable, "-c", program], tmp_path, log, 60.0))
    while not log.exists() or not log.read_text():  # noqa: ASYNC110 - a file has no event
        await asyncio.sleep(0.01)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)


# What is made of a report


def report(**states: str) -> dict[str, Any]:
    """A report of these requirements, by their ids with underscores."""
    return {
        "claims": ["documented", "robust"],
        "session": {"name": "a:b", "version": "1"},
        "baseline": {},
        "requirements": {
            id_.replace("_", "-"): {
                "level": KNOWN[id_.replace("_", "-")].level,
                "profile": KNOWN[id_.replace("_", "-")].profile,
                "state": state,
                "trials": [one(state)],
            }
            for id_, state in states.items()
        },
    }


def one(state: str) -> dict[str, Any]:
    told = {"code": "wrong-value", "block": "told"} if state in ("fail", "warn") else {}
    return {"trial": "a-trial", "state": state, **told}


def test_what_changes_is_taken_away() -> None:
    """Ports, addresses in memory and folders are no part of a result."""
    text = "<X at 0x7f2a91c0> ('127.0.0.1', 40123) host='h', port=4012 in /tmp/a/b.py, 0.31 s"

    assert settle.plain(text, "/here") == (
        "<X at 0x…> ('127.0.0.1', PORT) host='h', port=PORT in /tmp/…, … s"
    )
    assert settle.plain("at /x/y-1/lib/python3.11/asyncio/a.py:3>", "/here") == (
        "at lib/python3.11/asyncio/a.py:3>"
    )
    assert (
        settle.plain("in /x/lib/python3.11/site-packages/a.py", "/here") == "in site-packages/a.py"
    )


def test_one_block_for_each_way_to_fail() -> None:
    """The second failure of the same kind says nothing new."""
    made = report(lines_endings="fail")
    made["requirements"][MUST]["trials"] = [one("fail"), one("fail")]

    trials = settle.settled(made, "/here")["requirements"][MUST]["trials"]

    assert ["block" in trial for trial in trials] == [True, False]


def test_what_is_left_away_is_not_told() -> None:
    """A requirement, or a trial; a requirement that has no other trial goes with it."""
    made = report(lines_endings="fail", lines_last="fail", text_whole="pass")
    for id_ in (MUST, OTHER):
        made["requirements"][id_]["trials"].append({**one("pass"), "trial": "another"})

    found = settle.settled(made, "/here", {MUST, "a-trial"})["requirements"]

    assert {id_: [one["trial"] for one in kept["trials"]] for id_, kept in found.items()} == {
        OTHER: ["another"]
    }


def test_a_baseline_excuses() -> None:
    """What is expected is baselined; what is not, still fails; the profiles say so."""
    made = report(lines_endings="fail", text_whole="fail", lines_cr_arrival="warn")
    expected = Baseline({id_: Entry(("wrong-value",), "why") for id_ in (MUST, SHOULD)})

    found = settle.excused(copy.deepcopy(made), expected)

    states = {id_: one["state"] for id_, one in found["requirements"].items()}
    assert states == {MUST: "baselined", OTHER: "fail", SHOULD: "baselined"}
    assert found["profiles"]["documented"] == {"conforms": False, "failing": [OTHER]}
    assert found["exit"] == 1


def test_a_baseline_that_is_not_needed_is_stale() -> None:
    """As in the suite itself."""
    found = settle.excused(report(lines_endings="pass"), Baseline({MUST: Entry(("hang",), "why")}))

    assert found["requirements"][MUST]["state"] == "stale"


# The matrix and the scoreboard


def test_the_matrix() -> None:
    """Each client's verdict on each rule, with what is told of it."""
    made = {"aiohttp": report(lines_endings="fail", text_whole="pass", lines_last="pass")}
    made["aiohttp"]["baseline"] = {
        MUST: {"verdict": ["wrong-value"], "reason": "why", "kind": "fault", "source": "there"}
    }

    rows = {row.id: row for row in scoreboard.matrix(made)}

    assert list(rows) == list(KNOWN)
    assert rows[MUST].cells["aiohttp"] == scoreboard.Cell("fail", "wrong-value", "why", "told")
    assert rows["lines-last"].cells["aiohttp"] == scoreboard.Cell("pass")
    assert rows[OTHER].cells["aiohttp"].verdict == "lacking"
    assert rows["events-bom"].cells["aiohttp"].verdict == "not-claimed"
    assert rows["lines-chunks"].cells["aiohttp"].verdict == "untestable"


def test_each_kind_is_counted_by_itself() -> None:
    """A deviation that is excused has the baseline's kind and source; a regression has none."""
    made = report(lines_endings="fail", text_whole="fail", lines_cr_arrival="warn")
    entries = {
        MUST: Entry(("wrong-value",), "why", "fault", "https://example.com"),
        SHOULD: Entry(("wrong-value",), "why", "limit"),
        OTHER: Entry(("hang",), "why", "choice"),
    }

    reports = {"httpx": settle.excused(made, Baseline(entries))}

    rows = {row.id: row.cells["httpx"] for row in scoreboard.matrix(reports)}
    assert (rows[MUST].kind, rows[MUST].source) == ("fault", "https://example.com")
    assert (rows[SHOULD].kind, rows[SHOULD].source) == ("limit", "")
    assert (rows[OTHER].verdict, rows[OTHER].kind) == ("fail", "")
    (total,) = scoreboard.totals(reports)
    assert total.kinds == {"fault": 1, "choice": 0, "limit": 1}


def test_a_fault_is_had() -> None:
    """When a rule that forbid it is broken; it is unknown where none of them was judged."""
    made = {"httpx": report(lines_endings="fail"), "httpx2": report(lines_chunks="pass")}

    found = {fault.id: fault for fault in scoreboard.faults(made)}

    assert len(found) == 96
    assert found["B01"].clients == {"httpx": (MUST,), "httpx2": None}
    assert found["B03"].clients == {"httpx": None, "httpx2": ()}


def test_totals() -> None:
    """A known deviation is broken all the same; a SHOULD does not decide a profile."""
    made = report(lines_endings="baselined", lines_last="pass", lines_cr_arrival="warn")
    made["requirements"][MUST]["trials"] = [{**one("fail"), "state": "baselined"}]

    (total,) = scoreboard.totals({"httpx": made})

    assert (total.must, total.should) == ((1, 2), (0, 1))
    assert total.profiles == {"documented": False, "robust": True}
    assert total.faults[0] == len(
        [f for f in scoreboard.faults({"httpx": made}) if f.clients["httpx"]]
    )


# The results that are kept


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_are_valid(path: Path) -> None:
    """Each is of a client that is listed, as the schema says, and the suite did not break."""
    text = path.read_text("utf-8")
    found = json.loads(text)

    jsonschema.validate(found, SCHEMA)
    assert found["session"]["name"] == CLIENTS[path.stem].subject
    assert {one["state"] for one in found["requirements"].values()} & {"error", "stale"} == set()
    assert len(text.encode()) < LONGEST


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_name_no_machine(path: Path) -> None:
    """No folder of the machine that they were made on, and no port."""
    text = path.read_text("utf-8")

    assert re.findall(r"/(?:root|home|work|Users|tmp)/\w+", text) == []
    assert re.findall(r"127\.0\.0\.1:\d+", text) == []
