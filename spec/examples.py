"""The examples of the chapters: YAML blocks whose keys are a closed vocabulary.

`read(block, ...)` gives the `Example`s of one block: one, or one for each of its `cases`, which
share the block's other fields. An unknown key, a value of the wrong kind, a key that is written
twice and an example without an outcome are errors with file and line. spec/README.md says what
each key means, spec/vocabulary.py what it takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from spec.vocabulary import ALLOWED, DEFAULTS, KEYS, OUTCOME, raw

Fields = Mapping[str, Any]

_FIRST_LINE = re.compile(r"# example(?:: (?P<name>\S.*))?")


class SpecError(ValueError):
    """A chapter is malformed; the message begins with file and line."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}")


@dataclass(frozen=True, slots=True)
class Example:
    """One case: what is given and what must come of it."""

    name: str | None
    fields: dict[str, Any]
    line: int


def body(fields: Fields) -> bytes:
    """The body of the example's response, before any coding."""
    return raw(fields["body-bytes"]) if "body-bytes" in fields else fields.get("body", "").encode()


def read(block: str, chapter: str, file: str, line: int) -> list[Example]:
    """The examples of a YAML block whose first line is line `line` of the file."""
    first = _FIRST_LINE.fullmatch(block.split("\n", 1)[0])
    if first is None:
        raise SpecError(file, line, "a YAML block begins with '# example' or '# example: name'")
    fields, case_lines = _parsed(block, file, line)
    cases = fields.pop("cases", None)
    default = DEFAULTS.get(chapter, {})
    if cases is None:
        examples = [Example(first["name"], {**default, **fields}, line)]
    elif isinstance(cases, list) and cases and all(isinstance(case, dict) for case in cases):
        examples = [
            Example(
                case.pop("name", first["name"]),
                {**default, **_joined(fields, case, file, at)},
                at,
            )
            for case, at in zip(cases, case_lines, strict=True)
        ]
    else:
        raise SpecError(file, line, "cases is not a list of mappings")
    for example in examples:
        _check(example, chapter, file)
    return examples


def _parsed(block: str, file: str, line: int) -> tuple[dict[str, Any], list[int]]:
    """The block's mapping, and the line of each of its cases."""
    try:
        loader = yaml.SafeLoader(block)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(file, line, "an example is a mapping")
        for key in _twice(node):
            raise SpecError(file, line + key.start_mark.line, f"{key.value!r} is written twice")
        lines = [
            line + case.start_mark.line
            for key, value in node.value
            if key.value == "cases" and isinstance(value, yaml.SequenceNode)
            for case in value.value
        ]
        return dict(loader.construct_document(node)), lines
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line if error.problem_mark else 0
        raise SpecError(file, line + at, f"malformed YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise SpecError(file, line, f"malformed YAML: {' '.join(str(error).split())}") from error


def _twice(node: yaml.Node) -> Iterator[yaml.Node]:
    """The keys that a mapping in the tree has already."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item)


def _joined(shared: Fields, case: Fields, file: str, line: int) -> dict[str, Any]:
    for key in shared.keys() & case.keys():
        raise SpecError(file, line, f"{key!r} is written for every case and for this one")
    return {**shared, **case}


def _check(example: Example, chapter: str, file: str) -> None:
    allowed = ALLOWED[chapter]
    for key, value in example.fields.items():
        if key not in allowed:
            known = ", ".join(sorted(allowed))
            raise SpecError(
                file, example.line, f"unknown key {key!r}; examples of {chapter} take {known}"
            )
        words, check = KEYS[key]
        if not check(value):
            raise SpecError(file, example.line, f"{key}: {value!r} is not {words}")
    if not OUTCOME.keys() & example.fields.keys():
        raise SpecError(file, example.line, "the example has no outcome")
    if len(example.fields.keys() & {"body", "body-bytes", "wire"}) > 1:
        raise SpecError(file, example.line, "an example has one of: body, body-bytes, wire")
