"""What `--session` names, and what is said when it names nothing."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from conformance.subject import LoadError, Subject, load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mylib", "--session mylib: write module:attribute, as in fasthttp:AsyncSession"),
        (":Session", "--session :Session: write module:attribute, as in fasthttp:AsyncSession"),
        (
            "no_such_lib:Session",
            "--session no_such_lib:Session: importing no_such_lib failed: "
            "ModuleNotFoundError(\"No module named 'no_such_lib'\")",
        ),
        (
            "tests.suite.clients:Nothing.here",
            f"--session tests.suite.clients:Nothing.here: {sys.modules[__package__]!r}".partition(
                " <"
            )[0],
        ),
        ("httpx:__version__", "--session httpx:__version__: '0.28.1' cannot be called"),
    ],
)
def test_what_cannot_be_loaded(name: str, message: str) -> None:
    """The message has the name as it was given, and the step that failed."""
    with pytest.raises(LoadError) as caught:
        load(name)

    assert str(caught.value).startswith(message)


def test_missing_attribute() -> None:
    """The message says which part of a dotted name is not there."""
    with pytest.raises(LoadError, match=r"has no attribute 'Nothing'$"):
        load("tests.suite.clients:Nothing.here")


@pytest.mark.parametrize(
    ("source", "raised"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(7)", "SystemExit(7)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt()"),
    ],
)
def test_module_that_falls_over(
    source: str, raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception of the module's own is the adapter's, not the suite's; it ends no run."""
    (tmp_path / "falls_over.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(LoadError, match="importing falls_over failed: " + re.escape(raised)):
        load("falls_over:Session")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("httpx:AsyncClient", httpx.__version__),
        ("tests.suite.clients:Lies", "9.9"),
        ("tests.suite.clients:Crashes", "unknown version"),
    ],
)
def test_version(name: str, version: str) -> None:
    """It is the adapter's `__version__`, or that of the package that has the class."""
    assert load(name).version == version


def test_keywords_that_it_takes() -> None:
    """A constructor that takes anything takes every keyword; one that cannot tell, too."""

    def plain(base_url: str) -> None: ...
    def anything(**named: Any) -> None: ...

    assert [Subject("", plain, "").takes(word) for word in ("base_url", "limits")] == [True, False]
    assert Subject("", anything, "").takes("limits")
    assert Subject("", type, "").takes("limits")
