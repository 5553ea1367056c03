"""`python -m conformance.peers.finds`: run every find; 1 if one prints something else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[2] / ".venv-peers"
SECONDS = 30.0


def expected(program: Path) -> str:
    """What a program prints, as its docstring says."""
    docstring = ast.get_docstring(ast.parse(program.read_text("utf-8"))) or ""
    return docstring.partition("\n")[2].strip()


def printed(program: Path, python: Path) -> str:
    """What a program prints with a Python that has its client."""
    command = [str(python), program.name]
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stdout.strip()


def client(program: Path) -> str:
    """The client that a program is about: its name up to the two underscores."""
    return program.stem.partition("__")[0]


def main() -> int:
    """Run them all, and say which are as printed."""
    wrong = 0
    for program in sorted(HERE.glob("*__*.py")):
        if program.stem.startswith("__"):
            continue
        python = ENVIRONMENTS / client(program) / "bin" / "python"
        if not python.exists():
            print(f"{program.stem:<32} not run: `make matrix` makes the environment")
            continue
        found, wanted = printed(program, python), expected(program)
        wrong += found != wanted
        print(f"{program.stem:<32} {'as printed' if found == wanted else f'prints {found!r}'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
