"""The chapters are well formed, say what they promise, and slips of the pen are caught."""

import re
from pathlib import Path

import pytest

import spec
from spec.catalogue import CHAPTERS, SpecError, load
from spec.examples import Example
from spec.vocabulary import ALLOWED, KEYS

HOME = Path(spec.__file__).parent
PAGE = {
    "Streaming",
    "Streaming, When to Use Streaming",
    "Streaming, Basic Usage",
    "Streaming, Signature",
    "Streaming, Server-Sent Events (SSE)",
    "Streaming, Raw Bytes Body",
    "Streaming, Downloading Large Files",
    "Streaming, Session Headers with Streaming",
    "Streaming, Checking Status Before Reading",
    "Streaming, Import",
}
RULE = """
# Lines

Introduction, with a ## in it.

## lines-endings

**MUST** · documented · source: Streaming, Basic Usage · since: 1.0

A line ends at LF
and at nothing else.

*Why.* Because
of B01.
*If it fails.* Look here.

```yaml
# example: one
body: "a\\nb"
lines: [a, b]
```

```yaml
# example
body: x
cases:
- {lines: [x]}
- {name: two, content-type: text/plain, lines: [x]}
```

## lines-last

**MAY** · robust

It may.

*Why.* So.
*Untested because.* Nobody can.
"""


def catalogue(folder, chapter=RULE, **others):
    """The catalogue of a folder with this chapter on lines."""
    for name, text in {"lines": chapter, **others}.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    return load(folder)


def rows():
    """Fault and third cell of every row in the table of faults."""
    table = (HOME / "bugs.md").read_text("utf-8")
    return re.findall(r"^\| (B\d\d) \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)


def named(cell):
    """The ids in a cell of the table of faults."""
    reason = cell.startswith("not applicable: ")
    return set() if reason else set(cell.strip().split(", "))


def test_requirement_is_read_whole(tmp_path):
    """Every part of a requirement comes out, joined lines and all."""
    endings, last = catalogue(tmp_path).values()

    assert endings.id == "lines-endings"
    assert (endings.chapter, endings.line) == ("lines", 6)
    assert (endings.level, endings.profile) == ("MUST", "documented")
    assert (endings.source, endings.since) == ("Streaming, Basic Usage", "1.0")
    assert endings.sentence == "A line ends at LF and at nothing else."
    assert (endings.why, endings.likely) == ("Because of B01.", "Look here.")
    assert (endings.untested, last.untested) == (None, "Nobody can.")
    assert (last.source, last.since, last.likely, last.examples) == (None, None, None, ())


def test_cases_become_examples_of_their_own(tmp_path):
    """Cases share the other keys of their block and keep their own name and line."""
    examples = catalogue(tmp_path)["lines-endings"].examples

    assert examples == (
        Example("one", {"body": "a\nb", "lines": ["a", "b"]}, 18),
        Example(None, {"body": "x", "lines": ["x"]}, 27),
        Example("two", {"body": "x", "content-type": "text/plain", "lines": ["x"]}, 28),
    )


def test_catalogue_cannot_be_changed(tmp_path):
    """What is loaded once is the same for everybody."""
    found = catalogue(tmp_path)

    assert load(tmp_path) is found
    with pytest.raises(TypeError):
        found["lines-new"] = found["lines-last"]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("## lines-last", "## lines-endings", 31, "lines-endings is already in lines.md:6"),
        ("## lines-last", "## text-last", 31, "the id 'text-last' is not lines- and a name"),
        ("## lines-last", "## lines-1", 31, "the id 'lines-1' is not lines- and a name"),
        ("## lines-last", "## Lines last", 31, "the id 'Lines last' is not"),
        ("## lines-last", "### lines-last", 31, "unexpected heading '### lines-last'"),
        ("## lines-last", "## lines-old", 31, "lines-old is a retired id"),
        ("**MAY**", "**CAN**", 33, "unknown level 'CAN'; known: MUST, SHOULD, MAY"),
        ("· robust", "· sturdy", 33, "unknown profile 'sturdy'; known: documented"),
        ("· robust", "", 33, "unknown profile ''"),
        (
            "· robust",
            "· robust · author: me",
            33,
            "field 'author: me'; known: source, since, needs",
        ),
        ("· robust", "· robust · since: 1 · since: 2", 33, "repeated field 'since: 2'"),
        ("**MAY** · robust", "MAY · robust", 33, "line after the heading is not '**LEVEL**"),
        ("It may.\n\n", "", 31, "lines-last has no sentence"),
        ("*Why.* So.\n", "", 31, "lines-last has no Why"),
        ("*If it fails.* Look here.", "", 6, "lines-endings has no If it fails"),
        ("*Why.* So.", "*Why.* So.\n*Because.* So.", 38, "unknown marker 'Because'; known: Why"),
        ("*Why.* So.", "*Why.* So.\n*Why.* So.", 38, "Why is written twice"),
        ("*Why.* So.", "And more.\n\n*Why.* So.", 37, "this paragraph belongs to no field"),
        ("It may.", "It should.", 31, "lines-last is MAY, but its sentence says 'should'"),
        ("A line ends", "A line MAY end", 6, "is MUST, but its sentence says 'may'"),
        (" · source: Streaming, Basic Usage", "", 6, "is documented, but names no source"),
        ("```yaml\n# example: one", "```json\n# example: one", 17, "a block opens with ```yaml"),
        ("```yaml\n# example: one", "```yaml\n# case: one", 18, "begins with '# example'"),
        ("lines: [a, b]", "lines: [a, b", 20, "malformed YAML: expected ',' or ']'"),
        ("lines: [a, b]", "lines: [a, b]\nlines: [a]", 21, "'lines' is written twice"),
        ("lines: [a, b]", "line: [a, b]", 18, "unknown key 'line'; examples of lines take"),
        ("lines: [a, b]", "lines: [a, 1]", 18, "lines: ['a', 1] is not a list of strings"),
        ("lines: [a, b]", "status: 200", 18, "the example has no outcome"),
        ("lines: [a, b]", "lines: [a]\nwire: x", 18, "has one of: body, body-bytes, wire"),
        ('body: "a\\nb"', 'body-bytes: "€"', 18, "body-bytes: '€' is not a string of characters"),
        ("name: two, ", "name: one, ", 28, "example 'one' is already on line 18"),
        ("name: two, ", "body: y, ", 28, "'body' is written for every case and for this one"),
        ("- {lines: [x]}", "- lines", 24, "cases is not a list of mappings"),
        ("- {lines: [x]}", "- {lines: [x], body: }", 27, "'body' is written for every case"),
    ],
)
def test_slips_are_errors_with_file_and_line(tmp_path, old, new, line, what):
    """Whatever departs from the format is refused, and the message says where and what."""
    ledger = "# Retired\n\n- `lines-old`: 1.1, it was two rules\n"
    assert RULE.count(old) == 1

    with pytest.raises(SpecError) as caught:
        catalogue(tmp_path, RULE.replace(old, new), retired=ledger)

    assert str(caught.value).startswith(f"lines.md:{line}: ")
    assert what in str(caught.value)


def test_block_that_is_not_closed_is_an_error(tmp_path):
    """An open block does not swallow the rest of the chapter."""
    with pytest.raises(SpecError, match=re.escape("lines.md:23: this block is not closed")):
        catalogue(tmp_path, RULE.partition("- {name: two")[0])


def test_heading_inside_a_block_is_no_heading(tmp_path):
    """What looks like a heading is part of the example that it stands in."""
    inside = RULE.replace("# example: one", "# example: one\n## lines-none")

    assert list(catalogue(tmp_path, inside)) == ["lines-endings", "lines-last"]


def test_strange_file_and_strange_ledger_are_errors(tmp_path):
    """A chapter under a wrong name is not passed over, nor is an entry that names no id."""
    with pytest.raises(SpecError, match=r"^line\.md:1: is no chapter; chapters are session"):
        catalogue(tmp_path, line="# Line")
    (tmp_path / "line.md").unlink()
    with pytest.raises(SpecError, match=r"^retired\.md:1: an entry is"):
        catalogue(tmp_path, retired="- lines-old")


def test_every_chapter_is_there():
    """Each noun of the design has its chapter, and its examples their keys."""
    written = {requirement.chapter for requirement in load().values()}

    assert written == set(CHAPTERS)
    assert ALLOWED.keys() == set(CHAPTERS)


def test_documented_requirements_name_a_section_of_the_page():
    """The source of what is documented is a title of the page, and every section has a rule."""
    sources = {rule.source for rule in load().values() if rule.profile == "documented"}

    assert sources == PAGE


def test_sentences_are_one_sentence():
    """A rule says one thing, in one sentence that ends."""
    for requirement in load().values():
        assert requirement.sentence.endswith(".")
        assert not re.search(r"[a-z0-9)`]\. [A-Z]", requirement.sentence), requirement.id


def test_every_fault_has_one_row_of_known_requirements():
    """B01 to B96 are listed once each, in order, with ids that exist or with a reason."""
    assert [fault for fault, _ in rows()] == [f"B{number:02}" for number in range(1, 97)]
    for fault, cell in rows():
        assert named(cell) <= load().keys(), fault
        assert named(cell) or cell.startswith("not applicable: "), fault


def test_faults_and_reasons_agree():
    """A fault that a requirement gives as its reason lists that requirement."""
    table = dict(rows())
    for requirement in load().values():
        for fault in re.findall(r"B\d\d", requirement.why):
            assert requirement.id in named(table[fault]), (fault, requirement.id)


def test_every_event_stream_case_is_an_example():
    """S01 to S54 each stand once in the chapter on events, under their own names."""
    names = [
        example.name
        for rule in load().values()
        if rule.chapter == "events"
        for example in rule.examples
        if example.name
    ]

    assert sorted(names) == [f"S{number:02}" for number in range(1, 55)]


def test_readme_explains_every_key():
    """The page that explains examples knows all their keys, and no others."""
    text = (HOME / "README.md").read_text("utf-8").partition("## Examples")[2]
    tables = text.partition("## Oracles")[0]
    cells = re.findall(r"^\| ([^|]+) \|", tables, re.MULTILINE)
    explained = {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}

    assert explained | {"note"} == KEYS.keys()
    assert set().union(*ALLOWED.values()) <= KEYS.keys()
