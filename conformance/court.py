"""Hears trials: runs a check on the stage, and turns what comes of it into a verdict."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Any, Self

from hypothesis.errors import HypothesisException

from conformance import preflight
from conformance.blame import absent, first, in_suite, is_ours, raised
from conformance.case import Case
from conformance.fuzzing import EXAMPLES, database, search_settings
from conformance.output import kept
from conformance.perturb import Perturbation
from conformance.plans import PLANS
from conformance.reader import Reader
from conformance.registry import TRIALS
from conformance.show import failure, visible
from conformance.stage import Escape, Hang, Stage
from conformance.tape import Tape, loop_step
from conformance.verdicts import Deviation, NotApplicable, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from hypothesis import settings

    from conformance.registry import Trial
    from conformance.subject import Subject
    from spec.catalogue import Catalogue, Requirement

BROKEN = {"MUST": "fail", "SHOULD": "warn", "MAY": "observed"}
SHORTEST = 5.0  # seconds that every trial is given, however often the session has hung before


class _Hung(BaseException):
    """A hang on its way through Hypothesis, which would try to hang as long more simply."""


class Court:
    """Judges one session class; owns the tape and the stage."""

    def __init__(
        self,
        subject: Subject,
        catalogue: Catalogue,
        *,
        fuzz: int = EXAMPLES,
        perturb: int | None = None,
        fuzz_db: str | None = None,
        brief: bool = False,
        live: Mapping[str, str] | None = None,
    ) -> None:
        self.subject = subject
        self.catalogue = catalogue
        self._perturbation = None if perturb is None else Perturbation.of(perturb)
        self.fuzz = fuzz  # how many examples Hypothesis draws for each property
        self.fuzz_db = fuzz_db
        self.examples = database(fuzz_db)  # where Hypothesis keeps those that failed
        self.brief = brief  # only the verdicts count: no contrast, and nothing is simplified
        self.live = live or {}  # name of a server that was recorded -> where it runs
        self.hangs = 0
        self.verdicts: list[Verdict] = []
        self.accepts = ""
        self.last: Case | None = None
        self._reader = Reader(self._session)
        self._known: dict[str, bool] = {}  # trial -> whether it passes, for the contrast
        self._standing: dict[str, bool] = {}  # requirement that others need -> whether it is met
        self._searching = False

    def __enter__(self) -> Self:
        self.stage = Stage().__enter__()
        self.tape = Tape(self._step).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_reading()
        self.stage.__exit__()
        self.tape.__exit__()

    def _session(self) -> Any:
        return Case(self.subject, self.tape, None, self.accepts).session()

    def _step(self) -> None:
        loop_step(self.stage.loop)()  # a new loop whenever a client hung in the old one

    # Before the first trial

    def preflight(self) -> None:
        """Make one plain exchange; `PreflightError` says at which step the adapter failed."""
        steps: list[str] = []

        async def look(case: Case) -> None:
            self.accepts = await preflight.exchange(case, steps)

        try:
            self.play(look, 10.0)
        except Exception as error:
            raise preflight.failed(self.subject.name, steps[-1], error) from error

    # Trials

    def play(
        self,
        check: Callable[[Case], Coroutine[Any, Any, None]],
        limit: float,
        plan: str | None = None,
    ) -> None:
        """Run a check on the stage; what fails on a session that was used before is run again."""
        doubtful = False
        try:
            self._play(check, limit, plan)
        except NotApplicable:
            raise
        except Exception:
            doubtful = self._end_reading()
            if not doubtful:
                raise
        if doubtful:
            # Not while the first exception is handled: Hypothesis tells failures apart by that.
            with self._reader.each_anew():
                self._play(check, limit, plan)

    def _play(
        self, check: Callable[[Case], Coroutine[Any, Any, None]], limit: float, plan: str | None
    ) -> None:
        self.last = case = Case(
            self.subject,
            self.tape,
            plan,
            self.accepts,
            self._perturbation,
            self._reader,
            self.live,
        )
        try:
            self.stage.run(lambda: check(case), self._patience(limit))
        except HypothesisException as error:
            # No check draws on the stage: a client that rejects an example has not passed it.
            raise Escape(f"it raised {error!r}") from error
        except Hang as hang:
            self.hangs += 1
            if self._searching:
                raise _Hung(str(hang)) from None
            raise
        finally:
            case.tidy()

    def _end_reading(self) -> bool:
        """Close the session that is lent for reading; return whether it had been lent twice."""
        used = self._reader.lent > 1
        if self._reader.loop is not self.stage.loop:
            self._reader.forget()  # it was left behind with the loop
        elif self._reader.lent:
            with suppress(Hang, Escape):  # what its block ends with is judged by other trials
                self.stage.run(self._reader.close, SHORTEST)
        return used

    def _patience(self, limit: float) -> float:
        """A session that hangs everywhere must not hold up the run for hours."""
        return max(limit / (1 << self.hangs), min(limit, SHORTEST))

    def settings(self) -> settings:
        """The settings with which every property is searched."""
        return search_settings(self.fuzz, self.examples, shrink=not self.brief)

    def hear(self, trial: Trial) -> Verdict:
        """Run a trial and keep its verdict."""
        with kept():
            verdict = self._heard(trial)
        self.verdicts.append(verdict)
        self._known[str(trial)] = verdict.state == "pass"
        return verdict

    def _heard(self, trial: Trial) -> Verdict:
        requirement = self.catalogue[trial.requirement]
        verdict = Verdict(requirement.id, str(trial), "pass")
        try:
            if requirement.needs is None or self._stands(self.catalogue[requirement.needs]):
                self._try(trial)
            else:
                verdict.state = "blocked"
                verdict.note = f"{requirement.needs} fails, and this rests on it"
        except Deviation as deviation:
            told = absent(deviation.got) or deviation
            self._broken(verdict, requirement, trial, told)
        except (Hang, _Hung) as hang:
            self._broken(verdict, requirement, trial, Deviation("hang", note=str(hang)))
        except Exception as error:  # noqa: BLE001 - every exception becomes a verdict
            self._raised(verdict, requirement, trial, error)
        self._end_reading()
        return verdict

    def _raised(
        self, verdict: Verdict, requirement: Requirement, trial: Trial, error: Exception
    ) -> None:
        """What an exception says that is no verdict of a check."""
        if isinstance(error, Escape):
            note = str(error) if error.__cause__ is None else raised(error.__cause__)
            crash = Deviation("crash", None, error.__cause__, note)
            self._broken(verdict, requirement, trial, crash)
        elif isinstance(error, NotApplicable) and in_suite(error):
            verdict.state, verdict.note = "untestable", visible(str(error))
        elif not is_ours(error):
            crash = Deviation("crash", None, error, raised(error))
            self._broken(verdict, requirement, trial, absent(error) or crash)
        else:
            verdict.state, verdict.code = "error", type(error).__name__
            verdict.block = visible("".join(traceback.format_exception(error)))

    def _try(self, trial: Trial) -> None:
        if trial.play:
            self.play(trial.play, trial.limit, trial.plan)
        elif trial.search:
            self._searching = True
            try:
                trial.search(self)
            except ExceptionGroup as several:
                raise first(several) from several
            finally:
                self._searching = False

    def _stands(self, requirement: Requirement) -> bool:
        """Whether a requirement that others need is met in the simplest of its trials."""
        if requirement.id not in self._standing:
            trial = next(trial for trial in TRIALS if trial.requirement == requirement.id)
            self._standing[requirement.id] = self._passes(trial, {})
            self._end_reading()
        return self._standing[requirement.id]

    def _broken(
        self, verdict: Verdict, requirement: Requirement, trial: Trial, deviation: Deviation
    ) -> None:
        verdict.state, verdict.code = BROKEN[requirement.level], deviation.code
        verdict.note = visible(deviation.note)
        case = self.last
        contrasted = trial.plan is not None and not self.brief
        siblings = self._siblings(trial, play=deviation.code != "hang") if contrasted else {}
        show = partial(
            failure,
            requirement,
            trial,
            case=case,
            siblings=siblings,
            state=verdict.state,
            session=self.subject.name,
            options=self._options(trial),
        )
        try:
            verdict.block = self._shown(partial(show, deviation))
        except Exception as error:  # noqa: BLE001 - what is shown is the client's, and its repr()
            note = f"what came cannot be shown: {type(error).__name__}; {deviation.note}"
            verdict.block = show(Deviation(deviation.code, note=note.removesuffix("; ")))

    def _shown(self, show: Callable[[], str]) -> str:
        async def on_stage() -> str:
            return show()

        return self.stage.run(on_stage, SHORTEST)

    def _options(self, trial: Trial) -> str:
        """The options without which the trial would be another one."""
        fuzz = f"--fuzz {self.fuzz}" if trial.search and self.fuzz != EXAMPLES else ""
        shared = f"--fuzz-db {quote(self.fuzz_db)}" if trial.search and self.fuzz_db else ""
        perturb = f"--perturb {self._perturbation.seed}" if self._perturbation else ""
        live = "--live" if trial.live else ""
        return " ".join(filter(None, (fuzz, shared, perturb, live)))

    def _siblings(self, trial: Trial, *, play: bool) -> dict[str, bool]:
        """Whether the same passes under each of the other plans, or those known so far."""
        kept = self.last
        replay = None if kept is None else kept.replay
        others = [trial.under(plan) for plan in PLANS if plan != trial.plan]
        if replay is not None:
            others = [replace(other, play=replay) for other in others]
        known = {} if replay else self._known
        found = {
            str(other.plan): self._passes(other, known)
            for other in others
            if play or str(other) in known
        }
        self.last = kept
        return found

    def _passes(self, trial: Trial, known: dict[str, bool]) -> bool:
        if str(trial) not in known and trial.play:
            try:
                self.play(trial.play, trial.limit, trial.plan)
                known[str(trial)] = True
            except Exception:  # noqa: BLE001 - any way to fail is failing
                known[str(trial)] = False
        return known[str(trial)]
