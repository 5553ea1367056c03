"""What the server sends in an example, drawn with its cuts.

The bytes are those that the suite would send, under the plan that hurts this example most. A cut is
a bar; what is no printable character is escaped, and the line is broken behind each line ending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.codings import flush_ends
from conformance.delivery import Delivery, Reply, script
from conformance.examples import DEFAULTS, deliveries
from conformance.plans import planned
from docs.generate.words import escape
from spec.examples import body
from spec.vocabulary import raw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Fields = dict[str, Any]
Token = tuple[str, str]

LONGEST, LONGEST_CODED = 240, 56  # bytes that are drawn
CUT = '<b class="cut" title="the server\'s segments are cut here">|</b>'
ENDS = {
    "close": '<b class="end">connection closed</b>',
    "reset": '<b class="end">connection reset</b>',
    "held": '<b class="end">the server waits</b>',
    "more": '<b class="end">…</b>',
}
RESPONSE = {
    "status", "response-headers", "content-type", "body", "body-bytes", "wire", "codings", "end",
    "before", "extra", "content-encoding", "coded-add", "coded-drop", "framing", "flush-at",
}  # fmt: skip
_ESCAPE = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[nrtvf0]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\f": "\\f", "\0": "\\0"}


@dataclass(frozen=True)
class Drawing:
    """The HTML of a wire, how it is cut and coded, and in which framings it is sent."""

    html: str
    cut: str
    framings: str


def drawing(chapter: str, fields: Fields) -> Drawing | None:
    """The wire of an example; None where the answer does not matter."""
    if not RESPONSE & fields.keys() or "gives" in fields or "effective" in fields:
        return None
    fields = {**DEFAULTS.get(chapter, {}), **fields}
    played = list(deliveries(fields))
    reply, delivery = played[0]
    if "wire" in fields:
        return Drawing(_html([raw(fields["wire"])], [], "close"), "the whole message", "")
    plan = _plan(chapter, fields, reply)
    sent = script(reply, replace(delivery, chunks=_cuts(plan, reply, delivery), before=b""))
    held = _held(fields)
    pieces = list(sent.pieces) if held is None else [reply.body[:held]]
    end = "held" if held is not None else next(iter(fields.get("end", {})), "")
    head = _before(delivery.before) + _head(chapter, fields)
    html = _html(pieces, head, end, coded=bool(fields.get("codings")))
    if delivery.extra:
        html += f'\n<i class="head">after the message:</i> {_bytes(delivery.extra)}'
    return Drawing(html, _cut(fields, plan, held), _framings(played))


def _held(fields: Fields) -> int | None:
    """How much of an answer is sent before the server waits."""
    if not fields.get("held"):
        return None
    plain = {key: value for key, value in fields.items() if key != "held"}
    reply, _ = next(deliveries(plain))
    if codings := fields.get("codings"):
        ends = flush_ends(body(fields), codings, fields.get("flush-at", ()))
        return ends[-1] if ends else len(reply.body)
    return len(reply.body)


def _plan(chapter: str, fields: Fields, reply: Reply) -> str:
    content = reply.body
    if fields.get("held") or len(content) < 2:
        return "whole"
    if fields.get("codings"):
        return "halves"
    if any(byte >= 0x80 for byte in content) and chapter in ("text", "lines", "events", "body"):
        return "utf8-cut" if re.search(rb"[\x80-\xbf]", content) else "pairs"
    if b"\r" in content and chapter in ("text", "lines", "events", "body"):
        return "crlf-cut"
    return "pairs" if "chunks" in fields else "halves"


def _cuts(plan: str, reply: Reply, delivery: Delivery) -> tuple[int, ...]:
    whole = replace(delivery, end=None, before=b"", extra=b"")
    limit = delivery.end[1] if delivery.end else len(reply.body)
    return tuple(at for at in planned(plan, reply, whole).chunks if at < limit)


def _cut(fields: Fields, plan: str, held: int | None) -> str:
    """In what coding, and by which plan."""
    words = [f"plan {plan}"] if held is None else []
    if codings := fields.get("codings"):
        content = body(fields)
        words.insert(0, f"{', '.join(codings)} of {content[:40]!r}{'…' * (len(content) > 40)}")
    return ", ".join(words)


def _framings(played: Sequence[tuple[Reply, Delivery]]) -> str:
    first, *others = [delivery.framing for _, delivery in played]
    return f"{first}, and likewise {' and '.join(others)}" if others else first


def _before(before: bytes) -> list[str]:
    return [f'<i class="head">first:</i> {_bytes(before)}'] if before else []


def _head(chapter: str, fields: Fields) -> list[str]:
    """What of the response's head the example is about."""
    lines = []
    if "status" in fields:
        lines.append(f"HTTP/1.1 {fields['status']}")
    if fields.get("content-type") and fields["content-type"] != DEFAULTS.get(chapter, {}).get(
        "content-type"
    ):
        lines.append(f"Content-Type: {fields['content-type']}")
    given = dict(fields.get("response-headers", {}))
    if "content-encoding" in fields:
        given["Content-Encoding"] = fields["content-encoding"]
    for name, values in given.items():
        lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values)]
    return [f'<i class="head">{escape(line)}</i>' for line in lines]


def _html(pieces: Sequence[bytes], head: list[str], end: str, *, coded: bool = False) -> str:
    longest = LONGEST_CODED if coded else LONGEST
    tokens: list[Token] = []
    total = 0
    for number, piece in enumerate(pieces):
        if number:
            tokens.append(("mark", CUT))
        kept = piece[: longest - total]
        tokens += _tokens(kept)
        total += len(piece)
        if total > longest:
            tokens.append(("mark", ENDS["more"]))
            break
    if end:
        tokens.append(("mark", ENDS[end]))
    body_html = _laid_out(tokens)
    return "\n".join([*head, body_html or '<i class="head">(an empty body)</i>'])


def _laid_out(tokens: Sequence[Token]) -> str:
    """The tokens, a line break behind each line ending, and behind the cut that follows it."""
    parts: list[str] = []
    pending = False
    for index, (kind, text) in enumerate(tokens):
        if pending and kind != "mark":
            parts.append("\n")
            pending = False
        parts.append(text)
        if kind == "lf" or (kind == "cr" and not _lf_follows(tokens, index)):
            pending = True
    return "".join(parts)


def _lf_follows(tokens: Sequence[Token], index: int) -> bool:
    rest = [kind for kind, _ in tokens[index + 1 : index + 3] if kind != "mark"]
    return bool(rest) and rest[0] == "lf"


def _tokens(piece: bytes) -> Iterator[Token]:
    """Runs of text, and escapes, of which line endings are told apart."""
    shown = "".join(_visible(char) for char in piece.decode("utf-8", "backslashreplace"))
    at = 0
    for found in _ESCAPE.finditer(shown):
        if found.start() > at:
            yield "text", escape(shown[at : found.start()])
        kind = {"\\n": "lf", "\\r": "cr"}.get(found[0], "escape")
        yield kind, f'<i class="esc">{found[0]}</i>'
        at = found.end()
    if at < len(shown):
        yield "text", escape(shown[at:])


def _bytes(data: bytes) -> str:
    return _laid_out(list(_tokens(data[:LONGEST])))


def _visible(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    return char if char.isprintable() else char.encode("unicode_escape").decode()
