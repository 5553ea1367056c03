"""The one machine-readable result, and everything that is a function of it.

`build` makes it, `text` writes it, `read` reads it again; `conformance/schema.json` describes it.
The digests say what it was judged with: the suite's code, the oracles, the catalogue, the
cassettes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
import spec
from conformance import cassettes
from conformance.results import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.results import Results
    from conformance.subject import Subject

SCHEMA = 1
LEFT_OUT = ("installed.py",)  # the way into an installed suite: in a wheel it lies elsewhere
DESCRIPTION = Path(__file__).with_name("schema.json")
TYPES = {  # by their names in JSON Schema
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
Report = dict[str, Any]


class ReportError(Exception):
    """The file is not a report; the message names it, and what is wrong with it."""


def build(
    results: Results, subject: Subject, fuzz: int, *, live: bool = False, perturb: int | None = None
) -> Report:
    """The result of a run."""
    states = results.states()
    return {
        "schema": SCHEMA,
        "spec": SPEC,
        "session": {"name": subject.name, "version": subject.version},
        "claims": sorted(results.claims),
        "fuzz": fuzz,
        "live": live,
        "perturb": perturb,
        "baseline": {id_: entry.table() for id_, entry in results.baseline.entries.items()},
        "profiles": {
            profile: {"conforms": results.conforms(profile), "failing": results.failing(profile)}
            for profile in sorted(results.claims)
        },
        "judged": {"requirements": results.judged(), "asked": len(results.asked)},
        "exit": results.exit_code(),
        "requirements": {
            id_: _requirement(id_, states.get(id_, "not-claimed"), results)
            for id_, known in results.catalogue.items()
            if id_ in states or known.profile not in results.claims
        },
        "made-with": {
            "python": platform.python_version(),
            "platform": sys.platform,
            "httpx": _version("httpx"),
            "hypothesis": _version("hypothesis"),
            "pytest": _version("pytest"),
        },
        "digests": digests(),
        "complete": not results.missing,
    }


def text(report: Report) -> str:
    """The report's file: sorted only where order has no meaning, one value a line."""
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def read(path: Path) -> Report:
    """The report in a file, which has everything that a report must have."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"{path} is not a report: {error}") from error
    if isinstance(found, dict) and found.get("schema", SCHEMA) != SCHEMA:
        raise ReportError(f"{path} is a report of schema {found['schema']}; this reads {SCHEMA}")
    schema = json.loads(DESCRIPTION.read_text("utf-8"))
    if wrong := next(_wrong(found, schema, schema["$defs"]), None):
        raise ReportError(f"{path} is not a report: {wrong}")
    made: Report = found
    return made


def _wrong(found: Any, schema: Report, named: Report, where: str = "") -> Iterator[str]:
    """What is missing, or of another type or word than the schema says, at any depth."""
    schema = named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    kinds = (
        [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [*TYPES])
    )
    if not any(type(found) is TYPES[kind] for kind in kinds):
        yield f"{where or 'it'} is no {' or '.join(kinds)}"
    elif "enum" in schema and found not in schema["enum"]:
        yield f"{where} is {found!r}"
    elif isinstance(found, list):
        for each in found:
            yield from _wrong(each, schema["items"], named, f"an item of {where}")
    elif isinstance(found, dict):
        within = f" in {where}" if where else ""
        yield from (f"no {key!r}{within}" for key in schema.get("required", ()) if key not in found)
        for key, value in found.items():
            below = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            yield from _wrong(value, below or {}, named, repr(key))


def digests() -> dict[str, str]:
    """What the verdicts rest on."""
    return {
        "suite": _digest(Path(conformance.__file__).parent, "*.py"),
        "oracles": _digest(Path(spec.__file__).parent, "*.py"),
        "catalogue": _digest(Path(spec.__file__).parent, "*.md"),
        "cassettes": _digest(cassettes.DIRECTORY, "*.yaml"),
    }


def _requirement(id_: str, state: str, results: Results) -> Report:
    known = results.catalogue[id_]
    trials = [
        {
            "trial": verdict.trial,
            "state": verdict.state,
            **({"code": verdict.code} if verdict.code else {}),
            **({"note": verdict.note} if verdict.note else {}),
            **({"block": verdict.block} if verdict.block else {}),
        }
        for verdict in sorted(results.verdicts, key=lambda verdict: verdict.trial)
        if verdict.requirement == id_
    ]
    return {"level": known.level, "profile": known.profile, "state": state, "trials": trials}


def _digest(folder: Path, pattern: str) -> str:
    made = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        if "peers" in path.parts or path.name in LEFT_OUT:  # those who are judged
            continue
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        made.update(f"{name} {len(content)}\n".encode() + content)
    return made.hexdigest()


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
