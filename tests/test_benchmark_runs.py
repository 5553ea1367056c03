"""Runs on disk: what a broken-off run keeps, and several runs as one table."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import kept, report
from benchmarks.children import PATIENCE, Process
from benchmarks.kept import Results
from benchmarks.merge import main, merged
from benchmarks.rows import named
from benchmarks.run import Outcome

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = {
    "machine": {"python": "3", "system": "S", "processor": "P", "cores": 2, "pinned": True},
    "quick": False,
    "versions": {"fasthttp": {"httpx": "1"}},
}
(LINES,) = named("lines")


def run(*rates: float, about: dict[str, Any] | None = None) -> dict[str, Any]:
    """A run of the row `lines` with these medians."""
    outcome = Outcome({"fasthttp": [{"rate": rate * 1000, "cpu": 1.0} for rate in rates]})
    return report.document({"lines": outcome}, [LINES], {**ABOUT, **(about or {})}, {})


def test_a_run_that_is_broken_off_keeps_its_rows_and_says_what_it_lacks(tmp_path: Path) -> None:
    """Each row is on disk as soon as it is measured."""
    results = Results(tmp_path, ABOUT, ["lines", "get", "growth"])

    results.add(LINES, Outcome({"fasthttp": [{"rate": 5000.0}]}))

    stored = json.loads((tmp_path / kept.FILE).read_text())
    assert [row["name"] for row in stored["rows"]] == ["lines"]
    assert stored["about"]["pending"] == ["get", "growth"]
    text = (tmp_path / "results.md").read_text()
    assert "**This run was broken off.** Not measured: get, growth." in text


def test_a_whole_run_says_nothing_of_that(tmp_path: Path) -> None:
    """With the last part nothing is pending."""
    results = Results(tmp_path, ABOUT, ["lines", "growth"])

    results.add(LINES, Outcome({"fasthttp": [{"rate": 5000.0}]}))
    results.grew({})

    assert "broken off" not in (tmp_path / "results.md").read_text()
    assert results.text() == (tmp_path / "results.md").read_text()


def test_merged_runs_show_the_median_of_medians_and_its_range() -> None:
    """A slow round is lost in its run's median, a slow run shows in the range."""
    text = report.markdown(merged([run(900, 1000, 10), run(1000), run(700)]))

    assert "**900 (700 to 1,000)** |" in text
    assert "The median of the medians of 3 runs" in text


def test_a_merger_knows_what_a_run_lacks() -> None:
    """What one run did not get to is named."""
    assert merged([run(1), run(2, about={"pending": ["get"]})])["about"]["pending"] == ["get"]


def test_quick_runs_are_not_merged_with_whole_ones() -> None:
    """Different work has no common median."""
    with pytest.raises(ValueError, match=r"^a quick run and a whole one cannot be merged$"):
        merged([run(1), run(1, about={"quick": True})])


def test_a_merger_is_written_like_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the table, and stores it where it is told."""
    files = [tmp_path / f"{number}.json" for number in range(2)]
    for file in files:
        file.write_text(json.dumps(run(1000)))

    main([*map(str, files), "--out", str(tmp_path / "out")])

    assert capsys.readouterr().out.strip() == (tmp_path / "out/results.md").read_text().strip()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"about": {}}'])
def test_what_is_no_run_is_named(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be merged is one line that names it, and no traceback."""
    file = tmp_path / "mine.json"
    file.write_text(text)

    with pytest.raises(SystemExit) as end:
        main([str(file)])

    assert end.value.code == 2
    assert f"error: {file}" in capsys.readouterr().err


async def test_a_worker_says_when_it_has_imported_its_client() -> None:
    """Nobody is measured while another is still importing: its first line is not an answer."""
    words = ("-m", "benchmarks.worker", "httpx", "http://127.0.0.1:9", "")
    worker = await Process.start(sys.executable, *words)
    try:
        assert json.loads(await worker.read(PATIENCE)) == {}
    finally:
        await worker.stop()
