"""Programs that show a find: each names a requirement, is on the page, and prints what it says."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from conformance.peers.clients import CLIENTS
from conformance.peers.finds.__main__ import HERE, client, expected, printed
from spec import catalogue

PROGRAMS = sorted(path for path in HERE.glob("*__*.py") if not path.stem.startswith("__"))
PAGE = Path(__file__).parents[2] / "docs" / "conformance" / "finds.md"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_find_is_of_a_client_and_a_requirement(program: Path) -> None:
    """Its first line names a requirement, its name a client, and the page shows it."""
    first = (ast.get_docstring(ast.parse(program.read_text())) or "").partition("\n")[0]
    named = re.search(r"\(([a-z, -]+)\)\.$", first)

    assert named is not None
    assert set(named[1].split(", ")) <= catalogue.load().keys()
    assert client(program) in CLIENTS
    assert f'"conformance/peers/finds/{program.name}"' in PAGE.read_text()


HERE_TOO = [path for path in PROGRAMS if client(path) == "aiohttp"]  # the others are not installed


@pytest.mark.parametrize("program", HERE_TOO, ids=lambda path: path.stem)
def test_a_find_is_as_printed(program: Path) -> None:
    """It prints what its docstring says."""
    assert printed(program, Path(sys.executable)) == expected(program)
