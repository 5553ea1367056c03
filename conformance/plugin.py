"""pytest's side of the suite: options, the court, and what a run comes to.

`conformance/conftest.py` hands these hooks on in a checkout; an installed suite loads this module
with `-p`. Verdicts travel in the reports of the tests, so that a run in several processes
(pytest-xdist) comes to the same as one in a single process. `Clerk` has what becomes of them.
"""

from __future__ import annotations

import os
import warnings
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

import conformance
from conformance import baseline as baselines
from conformance import rerun, selection
from conformance.clerk import Clerk
from conformance.court import Court
from conformance.fuzzing import EXAMPLES, DatabaseError
from conformance.live import packages_missing, servers
from conformance.plans import PLANS
from conformance.preflight import PreflightError
from conformance.registry import TRIALS, Trial
from conformance.results import CANNOT_RUN, SUITE_BROKE, UNJUDGED
from conformance.subject import CLAIMS, DEFAULT, LoadError, Subject, load
from conformance.verdicts import Verdict
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

SUBJECT = pytest.StashKey[Subject]()
BASELINE = pytest.StashKey[baselines.Baseline]()
VERDICT = pytest.StashKey[Verdict]()
RECEIPT = pytest.StashKey[str]()
GIVEN_UP = "conformance-given-up"  # in the output of a process: why it has judged nothing


class OptionError(Exception):
    """An option asks for what cannot be done."""


CANNOT = (LoadError, PreflightError, baselines.BaselineError, DatabaseError, OptionError)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("conformance", "the session that is judged")
    group.addoption("--session", default=DEFAULT, metavar="MODULE:ATTRIBUTE", help="what to judge")
    group.addoption("--claims", metavar="PROFILES", help="comma-separated profiles it claims")
    group.addoption(
        "--fuzz", type=_positive, default=EXAMPLES, metavar="N", help="examples for each property"
    )
    group.addoption("--fuzz-db", metavar="DIR", help="where examples that failed are shared")
    group.addoption("--perturb", type=int, metavar="SEED", help="the examples in other words")
    group.addoption("--live", action="store_true", help="also ask the servers that were recorded")
    group.addoption("--baseline", type=Path, metavar="FILE", help="known deviations, as TOML")
    group.addoption("--write-baseline", type=Path, metavar="FILE", help="write or merge them")
    group.addoption("--report", type=Path, metavar="FILE", help="the result, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Load what is judged, and show that it works at all; else exit 4 with one message."""
    config.stash[RECEIPT] = os.environ.pop(rerun.RECEIPT, "")
    config.addinivalue_line("markers", "requirement(id): the requirement that a trial judges")
    claims(config)  # a wrong name is found now
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # whatever the configuration makes of them
            _prepare(config)
    except CANNOT as error:
        pytest.exit(f"cannot judge: {error}", returncode=CANNOT_RUN)
    except catalogue.SpecError as error:
        pytest.exit(f"the catalogue is malformed: spec/{error}", returncode=SUITE_BROKE)


def _prepare(config: pytest.Config) -> None:
    config.stash[SUBJECT] = subject = load(config.getoption("--session"))
    config.stash[BASELINE] = expected = _baseline(config)
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        _look_ahead(config)
        known = trials(live=config.getoption("--live"))
        config.pluginmanager.register(Clerk(config, subject, claims(config), expected, known))
        with Court(subject, catalogue.load(), fuzz_db=config.getoption("--fuzz-db")) as court:
            court.preflight()


def _baseline(config: pytest.Config) -> baselines.Baseline:
    """The baseline to judge by."""
    path = config.getoption("--baseline")
    return baselines.read(path, catalogue.load()) if path else baselines.Baseline()


def _look_ahead(config: pytest.Config) -> None:
    """Whatever would spoil the end of the run is found now."""
    for option in ("--report", "--write-baseline"):
        if path := config.getoption(option):
            try_to_write(option, path)
    written = config.getoption("--write-baseline")
    if written and written.exists():
        baselines.read(written, catalogue.load())
    if config.getoption("--live") and (missing := packages_missing()):
        raise OptionError(f"--live starts the servers that were recorded: pip install {missing}")


def try_to_write(option: str, path: Path) -> None:
    """Raise `OptionError` if the file cannot be written; leave everything as it was."""
    if not path.absolute().parent.is_dir():
        raise OptionError(f"{option} {path}: there is no folder {path.parent}")
    if path.is_fifo():
        return  # its reader takes the first closing for the end
    new = not path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise OptionError(f"{option} {path}: {error.strerror}") from error
    if new:
        path.unlink()


def claims(config: pytest.Config) -> frozenset[str]:
    """The profiles that are claimed: all for our own session, two by default for others."""
    given = config.getoption("--claims")
    if given is None:
        own = config.getoption("--session") == DEFAULT
        return frozenset(catalogue.PROFILES if own else CLAIMS)
    named = frozenset(part.strip() for part in given.split(","))
    if unknown := named - set(catalogue.PROFILES):
        known = ", ".join(catalogue.PROFILES)
        raise pytest.UsageError(
            f"--claims: no profile {', '.join(sorted(unknown))}; known: {known}"
        )
    return named


def trials(*, live: bool = False) -> list[Trial]:
    """Every trial of the suite, in the order of the chapters; `live`: those of --live as well."""
    conformance.discover()
    order = {id_: place for place, id_ in enumerate(catalogue.load())}
    if unknown := sorted({trial.requirement for trial in TRIALS} - order.keys()):
        raise RuntimeError(f"checks judge what no chapter requires: {', '.join(unknown)}")
    chosen = [trial for trial in TRIALS if live or not trial.live]
    return sorted(chosen, key=lambda trial: order[trial.requirement])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the command that has started this process how the run ended."""
    path = session.config.stash.get(RECEIPT, "")
    if path and not hasattr(session.config, "workerinput"):
        Path(path).write_text(str(int(session.exitstatus)), "utf-8")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every trial."""
    if "trial" in metafunc.fixturenames:
        metafunc.parametrize("trial", trials(live=metafunc.config.getoption("--live")), ids=str)


@pytest.fixture(scope="session")
def court(request: pytest.FixtureRequest) -> Iterator[Court]:
    """The court that hears this process's trials."""
    config = request.config
    with (
        servers(config.getoption("--live")) as live,
        Court(
            config.stash[SUBJECT],
            catalogue.load(),
            fuzz=config.getoption("--fuzz"),
            perturb=config.getoption("--perturb"),
            fuzz_db=config.getoption("--fuzz-db"),
            live=live,
        ) as made,
    ):
        try:
            made.preflight()
        except PreflightError as error:
            _give_up(config, error)
        yield made


def _give_up(config: pytest.Config, error: PreflightError) -> NoReturn:
    """End the run; from another process, through what it tells the first when it goes."""
    message = f"cannot judge: {error}"
    if hasattr(config, "workeroutput"):
        config.workeroutput[GIVEN_UP] = message
    pytest.exit(message, returncode=CANNOT_RUN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """End the run if a process of pytest-xdist has found that there is nothing to judge."""
    if message := getattr(node, "workeroutput", {}).get(GIVEN_UP):
        pytest.exit(message, returncode=CANNOT_RUN)


def hear(court: Court, trial: Trial, request: pytest.FixtureRequest) -> None:
    """Run a trial as a test, and put its verdict into the test's report."""
    verdict = court.hear(trial)
    request.config.stash[BASELINE].apply(verdict)
    request.node.stash[VERDICT] = verdict
    request.node.user_properties.append(("requirement", trial.requirement))
    if verdict.state in UNJUDGED:
        pytest.skip(verdict.note)
    if verdict.state in ("warn", "observed", "baselined"):
        print(verdict.block)
    if verdict.state in ("fail", "error"):
        pytest.fail(verdict.block, pytrace=False)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by what the items are called
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave away what is not claimed: it is not judged, and not counted.

    What a session warns about is no verdict: where warnings are errors, they are none for it.
    """
    claimed, known = claims(config), catalogue.load()
    names = {*known, *PLANS, *map(str, TRIALS)}
    config.option.keyword = selection.exact(config.option.keyword, names)
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        trial = _trial(item)
        is_claimed = trial is None or known[trial.requirement].profile in claimed
        (kept if is_claimed else left).append(item)
        if trial is not None:
            item.extra_keyword_matches |= selection.keywords(trial)
            item.add_marker(pytest.mark.requirement(trial.requirement))
            item.add_marker(pytest.mark.filterwarnings("default"))
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the verdict into the report, which may have to travel to another process."""
    report = yield
    if call.when == "call" and (verdict := item.stash.get(VERDICT, None)):
        vars(report)["verdict"] = asdict(verdict)
    return report


def _trial(item: pytest.Item) -> Trial | None:
    call = getattr(item, "callspec", None)
    trial = call.params.get("trial") if call else None
    return trial if isinstance(trial, Trial) else None
