"""Make a virtual environment: `python .ci/environment.py DIRECTORY GROUP`.

It gets this project, editable, and a dependency group of pyproject.toml. The stamp is written last
and names the checkout: a directory without it was left half done, one with another name in it was
moved; both are thrown away. Only one process at a time works on the environments of a checkout.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
NEWEST = "pip>=25.1"  # the first that knows dependency groups


def main(directory: Path, group: str) -> None:
    """Make it, or bring it up to date, unless that is done."""
    fcntl.flock(os.open(".", os.O_RDONLY), fcntl.LOCK_EX)  # until this process ends
    python, stamp = directory / "bin" / "python", directory / ".installed"
    usable = is_usable(directory, stamp)
    if usable and stamp.stat().st_mtime > Path("pyproject.toml").stat().st_mtime:
        return  # another process has done it in the meantime
    if not usable:
        create(directory)
    stamp.unlink(missing_ok=True)
    print(f"installing the group {group} into {directory}", flush=True)
    run(python, *PIP, "--upgrade", NEWEST)
    run(python, *PIP, "--group", group, "--editable", ".")
    stamp.write_text(os.getcwd())  # noqa: PTH109 - a path as the shell's, for make to compare


def is_usable(directory: Path, stamp: Path) -> bool:
    """Whether it was finished, here, for the Python that runs this, and still has one."""
    library = directory / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    finished = stamp.is_file() and stamp.read_text() == os.getcwd()  # noqa: PTH109 - as above
    return finished and library.is_dir() and (directory / "bin" / "python").exists()


def create(directory: Path) -> None:
    """Make an empty environment in the place of whatever is there."""
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if missing:
        sys.exit(
            f"{sys.executable} cannot make environments: it has no {' and no '.join(missing)}. "
            "Debian and Ubuntu: apt install python3-venv. Or else: make PYTHON=another-python"
        )
    shutil.rmtree(directory, ignore_errors=True)
    run(Path(sys.executable), "-m", "venv", str(directory))


def run(python: Path, *arguments: str) -> None:
    """Run it; end with its exit code if it fails, for it has said why."""
    code = subprocess.run([python, *arguments], check=False).returncode  # noqa: S603 - our own
    if code:
        sys.exit(f"failed with exit code {code}: {python} {' '.join(arguments)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
