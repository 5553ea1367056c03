"""Which trials a saboteur can change: those in which one of its seams is reached.

A saboteur is the correct session with something else at its seams. A trial in which the correct
session never runs the function that is replaced, nor code that names what is replaced if that is
no function, is played alike with both, and need not be tried. `record` plays trials with the
correct session and notes what code ran in each; `doors` gives the code that leads to a saboteur's
seams, or None where that is not known: then every trial counts as one that reaches them. Nor need a
trial be tried in which all that a saboteur replaces was run, and would have given the same
(`tests.rivals`).
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from pkgutil import resolve_name
from runpy import run_module
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import fasthttp
from conformance.court import Court
from conformance.subject import Subject
from spec import catalogue
from tests.rivals import Asking, Healthy, asking, overridden, replacing, rivals
from tests.saboteurs import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from conformance.registry import Trial
    from tests.saboteurs import Saboteur

BROKEN = {"fail", "warn", "observed"}
LIBRARY = Path(fasthttp.__file__).parent


class Code(NamedTuple):
    """A function's code: the same in every process."""

    file: str
    line: int
    name: str


@dataclass(frozen=True)
class Played:
    """One trial with the correct session."""

    trial: str
    ran: frozenset[Code] | None  # None: it is not known that the rest did not run
    apart: frozenset[str] | None  # the rivals that gave another answer; None: that is not known
    seconds: float


# What leads to a seam


def doors(session: type) -> frozenset[Code] | None:
    """The code that leads to what a session has in place of the library's; None if not known."""
    found: set[Code] = set()
    for name in getattr(session, "patches", {}):
        owner, _, attribute = name.rpartition(".")
        codes = _leading_to(resolve_name(owner), attribute)
        if not codes:
            return None
        found |= codes
    for attribute in overridden(session):
        codes = _leading_to(Healthy, attribute)
        # An attribute that the library has not, and nowhere asks for, is the saboteur's own.
        if not codes and attribute in replacing(session):
            return None
        found |= codes
    return frozenset(found)


def reached(saboteur: Saboteur, played: Iterable[Played]) -> list[Played]:
    """The trials that reach what a saboteur has replaced, where it does not do the same."""
    led, only_computes = doors(saboteur.session), str(saboteur) in rivals()

    def differs(each: Played) -> bool:
        if led is None or each.ran is None:
            return True
        alike = only_computes and each.apart is not None and str(saboteur) not in each.apart
        return not alike and not led.isdisjoint(each.ran)

    return [each for each in played if differs(each)]


def _leading_to(owner: object, attribute: str) -> set[Code]:
    """The function itself; whatever names it, if it is something else than a function."""
    codes = set(_codes(inspect.getattr_static(owner, attribute, None)))
    return codes if codes and codes <= _ours() else _naming().get(attribute, set())


def _codes(value: object) -> Iterator[Code]:
    if isinstance(value, FunctionType):
        yield _of(value.__code__)
    elif isinstance(value, staticmethod | classmethod):
        yield from _codes(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _codes(part)


def _of(code: CodeType) -> Code:
    return Code(code.co_filename, code.co_firstlineno, code.co_qualname)


@cache
def _written() -> list[CodeType]:
    """All the code of the library, and of what the correct session is made of here."""
    parts = {Path(inspect.getfile(kind)) for kind in Healthy.__mro__[:-1]}
    paths = {*LIBRARY.rglob("*.py"), *parts}
    todo = [compile(path.read_text("utf-8"), str(path), "exec") for path in paths]
    for code in todo:
        todo.extend(const for const in code.co_consts if isinstance(const, CodeType))
    return todo


@cache
def _ours() -> frozenset[Code]:
    return frozenset(map(_of, _written()))


@cache
def _naming() -> dict[str, set[Code]]:
    """The library's code by the names, and the words, that stand in it."""
    naming: dict[str, set[Code]] = defaultdict(set)
    for code in _written():
        if Path(code.co_filename).is_relative_to(LIBRARY):
            words = [const for const in code.co_consts if isinstance(const, str)]
            for name in (*code.co_names, *words):
                naming[name].add(_of(code))
    return dict(naming)


# What runs in a trial


@contextmanager
def watching() -> Iterator[Callable[[], frozenset[Code]]]:
    """Note the code that runs here, and in threads that begin within; give what ran since asked."""
    ran: dict[int, CodeType] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            ran[id(frame.f_code)] = frame.f_code

    def taken() -> frozenset[Code]:
        nonlocal ran
        before, ran = ran, {}
        return frozenset(map(_of, before.values())) & _ours()

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield taken
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def record(trials: Iterable[Trial], fuzz: int) -> list[Played]:
    """Play trials with the correct session, and note what ran in each."""
    played: list[Played] = []
    subject = Subject("the correct session", Asking, "0")
    here = mock.patch("subprocess.run", _in_this_process)
    court = Court(subject, catalogue.load(), brief=True)
    with watching() as taken, asking() as apart, here, court:
        court.preflight()
        court.fuzz = fuzz
        for trial in trials:
            forget()  # what is known from another trial would not run in this one
            taken(), apart()
            began = time.monotonic()
            # What fails although the session is correct is no proof of anything.
            fails = court.hear(trial).state in {*BROKEN, "error"}
            seconds = time.monotonic() - began
            # What is drawn is drawn anew each time, and other draws may set a rival apart.
            differing = None if trial.search else apart()
            played.append(Played(str(trial), None if fails else taken(), differing, seconds))
    return played


def _in_this_process(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
    """`python -m module arguments`, where it can be watched."""
    at = command.index("-m") + 1
    with mock.patch("sys.argv", command[at:]), redirect_stdout(StringIO()) as said:
        run_module(command[at], run_name="__main__")
    return subprocess.CompletedProcess(command, 0, said.getvalue(), "")
