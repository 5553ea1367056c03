"""The built wheel: it judges from any folder, whatever pytest settings the folder has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

from conformance import report
from tests.suite.runs import ROOT

HOSTILE = """\
[pytest]
asyncio_mode = auto
filterwarnings = error
addopts = --no-such-option --strict-config
testpaths = nowhere
"""

LOSSY = """\
from contextlib import asynccontextmanager

from fasthttp import AsyncSession


class Session(AsyncSession):
    @asynccontextmanager
    async def stream(self, *positional, **named):
        async with super().stream(*positional, **named) as response:
            vars(response)["aiter_lines"] = lambda: _no_lines()
            yield response


async def _no_lines():
    for line in ():
        yield line
"""


def run(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "", **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def bin_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and for the rest what this one has."""
    made, home = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("project") / ".venv"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    built = run(made, *pip, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", made, ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = made.glob("fasthttp-*.whl")
    venv.create(home, symlinks=True)
    got = run(home, *pip, "--python", home / "bin" / "python", "install", "--no-deps", "-q", wheel)
    assert got.returncode == 0, got.stderr
    # The other distributions; a .pth file inside a folder named by one is not read again, so that
    # the checkout, which is installed here as editable, stays out.
    (site_packages(home) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def site_packages(home: Path) -> Path:
    (found,) = home.glob("lib/python*/site-packages")
    return found


@pytest.fixture(scope="module")
def folder(bin_: Path) -> Path:
    """Somebody's project, with its environment: whatever of it reaches the run would end it."""
    project = bin_.parent.parent
    (project / "pytest.ini").write_text(HOSTILE)
    (project / "conftest.py").write_text("raise SystemExit('your conftest.py was read')\n")
    (project / "noisy.py").write_text("raise SystemExit('your plugin was loaded')\n")
    (project / "noisy-1.dist-info").mkdir()
    (project / "noisy-1.dist-info" / "METADATA").write_text("Name: noisy\nVersion: 1\n")
    (project / "noisy-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nnoisy = noisy\n")
    (project / "known.toml").touch()
    (project / "mylib.py").write_text(
        "from fasthttp import AsyncSession\n\n\n"
        "class Session(AsyncSession):\n    __version__ = '2.1'\n"
    )
    return project


def test_no_common_names(bin_: Path) -> None:
    """At the top of site-packages there are two packages, and nothing with a common name."""
    names = {path.name for path in site_packages(bin_.parent).iterdir()}

    assert {name for name in names if not name.endswith((".dist-info", ".pth"))} == {
        "fasthttp",
        "fasthttp_conformance",
    }


def test_what_judges_nothing_is_left_out(bin_: Path) -> None:
    """Other people's clients, and what came of them, are of the project and not of the suite."""
    home = site_packages(bin_.parent) / "fasthttp_conformance" / "conformance"

    assert not (home / "results").exists()
    assert {path.name for path in (home / "peers").iterdir()} - {"__pycache__"} == {
        "__init__.py",
        "clients.py",
    }


def test_the_commands_of_a_wheel(bin_: Path, folder: Path) -> None:
    """What is judged can be shown in other forms and verified; rules and clients are listed."""
    command = bin_ / "fasthttp-conformance"
    judged = run(folder, command, "mylib:Session", "-k", "lines-last", "--report", "made.json")
    assert judged.returncode == 0, judged.stdout + judged.stderr

    for words, told in (
        (("explain", "lines-last"), "lines-last   MUST   documented"),
        (("explain", "lines-last"), 'run       fasthttp-conformance -k "lines-last"'),
        (("list", "--chapter", "lines"), "lines-endings"),
        (("report", "made.json"), "# Conformance of mylib:Session 2.1"),
        (("report", "made.json", "--to", "html"), "<!doctype html>"),
        (("verify", "made.json"), "verified: the same verdicts"),
    ):
        got = run(folder, command, *words)
        assert (got.returncode, told in got.stdout) == (0, True), got.stdout + got.stderr

    program = "import fasthttp_conformance as f, sys; sys.path.insert(0, str(f._home())); "
    got = run(
        folder, bin_ / "python", "-c", program + "import conformance.scoreboard as s; s.main()"
    )
    assert got.returncode == 0, got.stderr


def test_an_editable_install_judges_with_the_checkout(tmp_path: Path) -> None:
    """There is no copy of the suite: what is changed in the checkout holds at once."""
    home = tmp_path / ".venv"
    venv.create(home, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    backend = "import sys; from hatchling.build import build_editable as make; make(sys.argv[1])"
    built = run(ROOT, sys.executable, "-c", backend, tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("fasthttp-*.whl")
    got = run(
        tmp_path, *pip, "--python", home / "bin" / "python", "install", "--no-deps", "-q", wheel
    )
    assert got.returncode == 0, got.stderr
    (site_packages(home) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = (
        "import runpy, sys; sys.argv = ['fasthttp-conformance', 'explain', 'lines-last']; "
        "import fasthttp_conformance; code = fasthttp_conformance.main(); "
        "import conformance, spec; print(code, conformance.__file__, spec.__file__)"
    )

    ran = run(tmp_path, home / "bin" / "python", "-c", program)

    assert ran.returncode == 0, ran.stderr
    code, *files = ran.stdout.splitlines()[-1].split()
    assert (code, files) == ("0", [str(ROOT / n / "__init__.py") for n in ("conformance", "spec")])
    assert [path.name for path in (site_packages(home) / "fasthttp_conformance").glob("*.py")] == [
        "__init__.py"
    ]
    judged = run(
        tmp_path,
        home / "bin" / "fasthttp-conformance",
        "fasthttp:AsyncSession",
        "-k",
        "lines-last and whole",
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_judges_from_any_folder(bin_: Path, folder: Path) -> None:
    """The command judges, says the end of a run, and leaves nothing behind in the folder."""
    before = {path.name for path in folder.iterdir()}
    words = ("mylib:Session", "-k", "lines-endings", "--baseline", "known.toml")

    judged = run(folder, bin_ / "fasthttp-conformance", *words, HOME=str(bin_))

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "fasthttp conformance · spec 1.0 · session mylib:Session 2.1" in judged.stdout
    assert "verdict  documented: 1 of " in judged.stdout
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == before - {"__pycache__"}


def test_a_folder_with_the_same_names(bin_: Path, tmp_path: Path) -> None:
    """A folder that has a `spec` and a `conformance` of its own does not hide the wheel's."""
    for name in ("spec", "conformance", "cassettes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "mine.py").write_text("from fasthttp import AsyncSession as Session\n")
    command = (bin_ / "fasthttp-conformance", "mine:Session", "-k", "lines-endings")

    for words in (command, (*command, "-n", "2")):
        judged = run(tmp_path, *words)

        assert judged.returncode == 0, judged.stdout + judged.stderr
        assert "session mine:Session unknown version" in judged.stdout


def test_the_verdict_comes_last(bin_: Path, folder: Path) -> None:
    """No list of what has failed follows it, unless somebody asks for one."""
    (folder / "lossy.py").write_text(LOSSY)
    command = (bin_ / "fasthttp-conformance", "lossy:Session", "-k", "lines-last")

    judged, listed = run(folder, *command), run(folder, *command, "-rf")

    assert judged.returncode == 1, judged.stdout + judged.stderr
    assert judged.stdout.splitlines()[-2].startswith("verdict  documented: DOES NOT")
    assert "\nFAILED " not in judged.stdout
    assert "\nFAILED " in listed.stdout


def test_the_suite_is_the_same(bin_: Path, folder: Path) -> None:
    """The wheel's suite, catalogue and cassettes have the checkout's digests, and the schema."""
    program = (
        "import json, sys, fasthttp_conformance, pathlib; "
        "home = pathlib.Path(fasthttp_conformance.__file__).parent; sys.path.insert(0, str(home)); "
        "from conformance import report; print(json.dumps([report.digests(), report.__file__])); "
        "assert (home / 'conformance' / 'schema.json').exists()"
    )

    found = run(folder, bin_ / "python", "-c", program)

    assert found.returncode == 0, found.stderr
    digests, where = json.loads(found.stdout)
    assert Path(where).is_relative_to(bin_.parent)
    assert digests == report.digests()


def test_the_action(bin_: Path, folder: Path, tmp_path: Path) -> None:
    """The GitHub Action judges, keeps the report, writes the summary, and fails as the run does."""
    judged = act(bin_, folder, tmp_path, options="-k\n\nlines-endings and whole\n-n\n2\n")

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert (tmp_path / "output").read_text() == "report=conformance.json\n"
    report = json.loads((folder / "conformance.json").read_text("utf-8"))
    assert report["claims"] == ["documented"]
    assert report["judged"] == {"requirements": 1, "asked": 1}
    summary = (tmp_path / "summary").read_text("utf-8")
    assert summary.startswith("# Conformance of mylib:Session 2.1")


def test_the_action_without_options(bin_: Path, folder: Path, tmp_path: Path) -> None:
    """No option is none; where nothing was judged, no report is promised."""
    (tmp_path / "output").touch()

    judged = act(bin_, folder, tmp_path, options="", session="nolib:Session", report="other.json")

    assert judged.returncode == 4, judged.stdout + judged.stderr
    assert "importing nolib failed" in judged.stdout + judged.stderr
    assert (tmp_path / "output").read_text() == ""


def test_the_options_of_the_action() -> None:
    """Unless somebody says otherwise, all cores are used."""
    assert ACTION["inputs"]["options"]["default"].splitlines() == ["-n", "auto"]


ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def act(bin_: Path, folder: Path, files: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """What the step of the action comes to in a folder; GitHub's files are in another."""
    inputs = {name: str(found.get("default", "")) for name, found in ACTION["inputs"].items()}
    inputs |= {"session": "mylib:Session", "claims": "documented", **given}
    steps = {step.get("id", step["name"]): step for step in ACTION["runs"]["steps"]}
    return run(
        folder,
        *("bash", "-e", "-o", "pipefail", "-c", steps["judge"]["run"]),
        **{name: _filled(value, inputs) for name, value in steps["judge"]["env"].items()},
        PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}",
        GITHUB_OUTPUT=str(files / "output"),
        GITHUB_STEP_SUMMARY=str(files / "summary"),
    )


def _filled(value: str, inputs: dict[str, str]) -> str:
    """What GitHub makes of `${{ inputs.name }}`."""
    for name, given in inputs.items():
        value = value.replace(f"${{{{ inputs.{name} }}}}", given)
    return value
