"""The project's shape: who imports what, what is public, and what a release contains."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import fasthttp

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

STDLIB = frozenset(sys.stdlib_module_names)

# What the modules below each folder may import, besides the standard library and one another; the
# longest prefix of a path counts. The suite has httpx as its vocabulary: what a session yields and
# raises is documented as httpx's. A peer imports what it puts before the judge.
PEERS = sorted(path.name for path in (ROOT / "conformance" / "peers").iterdir() if path.is_dir())
MAY_IMPORT: dict[str, set[str]] = {
    "fasthttp/": {"aiohttp", "httpx", "yarl"},
    "fasthttp/decoders/": set(),
    "spec/": {"yaml"},
    "spec/oracles/": set(),
    "conformance/": {"httpx", "hypothesis", "pytest", "spec", "yaml"},
    "conformance/peers/": {"httpx", "spec"},
    **{f"conformance/peers/{name}/": {"httpx", name} for name in PEERS},
    "conformance/peers/fasthttp_client/": {"httpx", "fasthttp"},  # another package of this name
    "conformance/peers/finds/": {*PEERS, "zstandard"},
    "conformance/peers/fasthttp_on_httpx/": {"httpx", "fasthttp"},
    "conformance/record/": {"httpx", "sse_starlette", "starlette", "vcr", "yaml"},
}
LIBRARY = ("fasthttp/", "fasthttp/decoders/")
ONLY_THE_ENGINE_IMPORTS = {"aiohttp", "yarl"}
FILES = sorted(
    file for top in ("fasthttp", "spec", "conformance") for file in (ROOT / top).rglob("*.py")
)


def imports(file: Path) -> Iterator[str]:
    """The absolute names of the modules that a file imports, wherever in it."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join([*base, *filter(None, [node.module])])
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def folder(file: Path) -> str:
    path = file.relative_to(ROOT).as_posix()
    return max((prefix for prefix in MAY_IMPORT if path.startswith(prefix)), key=len)


# who imports what


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_imports_point_one_way(file: Path) -> None:
    """A module imports the standard library, its own package, and what the list allows."""
    own = folder(file).partition("/")[0]
    allowed = MAY_IMPORT[folder(file)] | {own} | STDLIB

    assert {name.partition(".")[0] for name in imports(file)} - allowed == set()


@pytest.mark.parametrize("name", ["fasthttp/decoders/", "spec/oracles/"])
def test_cores_stand_alone(name: str) -> None:
    """Decoders and oracles import nothing from above themselves: no I/O, no shared helpers."""
    package = name.strip("/").replace("/", ".")
    own = package.partition(".")[0]
    found = {imported for file in FILES if folder(file) == name for imported in imports(file)}

    assert {
        imported
        for imported in found
        if imported.partition(".")[0] == own and not imported.startswith(package)
    } == set()


def test_only_the_engine_knows_aiohttp() -> None:
    """What is specific to aiohttp is in two modules: a connection, and what makes connections."""
    knowing = {
        file.stem
        for file in FILES
        if folder(file) == "fasthttp/"
        and {name.partition(".")[0] for name in imports(file)} & ONLY_THE_ENGINE_IMPORTS
    }

    assert knowing == {"channel", "connections"}


def test_every_dependency_is_declared() -> None:
    """What the library imports at run time is what pip installs with it."""
    declared = {re.match(r"[\w-]+", entry)[0] for entry in PROJECT["project"]["dependencies"]}  # type: ignore[index] # a name begins every entry

    assert declared == {"aiohttp", "httpx"}


def test_importing_is_cheap() -> None:
    """`import fasthttp` imports httpx, and nothing of aiohttp or asyncio."""
    program = "import sys, fasthttp; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT).split()

    assert "httpx" in loaded
    assert [name for name in loaded if name.partition(".")[0] in {"aiohttp", "asyncio"}] == []


# public names


def test_public_names() -> None:
    """What can be imported from `fasthttp` is listed, sorted; besides it there are its modules."""
    modules = {file.stem for file in FILES if folder(file) == "fasthttp/"} | {"decoders"}
    public = {name for name in vars(fasthttp) if not name.startswith("_")} - modules

    assert fasthttp.__all__ == sorted(fasthttp.__all__)
    assert public == set(fasthttp.__all__)


def test_public_names_are_documented() -> None:
    """Every public name, and every public method of it, says what it does."""
    for name in fasthttp.__all__:
        public = getattr(fasthttp, name)
        members = [value for key, value in vars(public).items() if not key.startswith("_")]
        undocumented = [member for member in members if callable(member) and not member.__doc__]

        assert public.__doc__
        assert undocumented == []


# the release


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is not installed")
def test_the_wheel(tmp_path: Path) -> None:
    """The wheel has the library, marked as typed, and the suite under a name of its own."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)

    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    suite = {name for name in names if name.startswith("fasthttp_conformance/")}
    library = {file.relative_to(ROOT).as_posix() for file in FILES if folder(file) in LIBRARY}
    assert names - suite == library | {"fasthttp/py.typed"}
    assert {f"fasthttp_conformance/{name}/__init__.py" for name in ("conformance", "spec")} < suite
    assert [name for name in names if "__pycache__" in name] == []


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    """The newest section is the unreleased one, or the version of the package."""
    newest = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]

    assert newest in {"Unreleased", fasthttp.__version__}


# the machines


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned(workflow: Path) -> None:
    """Every action is used at a full commit, with its version in a comment."""
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    pinned = re.findall(r"uses: (\S+@[0-9a-f]{40}) # v\d", workflow.read_text())

    assert used
    assert used == pinned


def test_every_supported_python_is_tested() -> None:
    """CI runs on the versions that the package names, from the oldest that it allows."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: "
    named = [
        entry.removeprefix(prefix) for entry in PROJECT["project"]["classifiers"] if prefix in entry
    ]

    assert tested == [version for version in named if version.startswith("3.")]
    assert PROJECT["project"]["requires-python"] == f">={tested[0]}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link names a file or folder of the checkout."""
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / link).exists()] == []
    assert links or page == "CHANGELOG.md"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_exist(page: str) -> None:
    """Every make target that a page names is one."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.compile(r"(?:^|`)make (?:[A-Z]+=\S+ )?([a-z-]+)", re.MULTILINE)
    named = set(commands.findall((ROOT / page).read_text()))

    assert named
    assert named <= targets
