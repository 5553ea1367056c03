"""The same examples in other words: `--perturb SEED`.

A session that was tuned to the examples, and not to the rules, is found out when what cannot
matter changes: the letters of bodies, event names and ids, the paths, a header more. The letters
are exchanged one for one, so that every offset stays; field names, digits, signs and line ends are
left alone. No verdict may move.
"""

from __future__ import annotations

import random
import re
import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.delivery import Reply

CHAPTERS = {"bytes", "text", "lines", "body", "events"}
PLAIN_CHARSETS = re.compile(
    r"charset=\"?(utf-8|iso-8859-1|latin1|windows-1252)|^((?!charset).)*$", re.IGNORECASE
)
_FIELD = re.compile(r"(?:(?<=[\r\n])|^)((?:data|event|id):)([^\r\n]*)")


@dataclass(frozen=True)
class Perturbation:
    """Everything that is exchanged under one seed."""

    seed: int
    letters: dict[int, str]
    path: str
    header: tuple[str, str]

    @classmethod
    def of(cls, seed: int) -> Perturbation:
        """The perturbation of a seed, the same on every machine."""
        chosen = random.Random(seed)
        table: dict[int, str] = {}
        for alphabet in (string.ascii_lowercase, string.ascii_uppercase):
            shuffled = list(alphabet)
            chosen.shuffle(shuffled)
            table |= dict(zip(map(ord, alphabet), shuffled, strict=True))
        word = "".join(chosen.choices(string.ascii_lowercase, k=6))
        return cls(seed, table, f"/{word}", (f"X-{word.title()}", word[::-1]))

    def reply(self, reply: Reply) -> Reply:
        """The answer, with a header more that means nothing."""
        return replace(reply, headers=(self.header, *reply.headers))

    def fields(self, chapter: str, fields: dict[str, Any]) -> dict[str, Any]:
        """An example's fields, in other letters, where letters are only letters."""
        if chapter not in CHAPTERS or "wire" in fields or "gives" in fields:
            return fields
        if not PLAIN_CHARSETS.search(fields.get("content-type", "")):
            return fields
        if chapter == "events":
            return self._events(fields)
        changed: dict[str, Any] = {
            key: self._text(fields[key])
            for key in ("body", "body-bytes", "bytes", "text")
            if key in fields
        }
        if "lines" in fields:
            changed["lines"] = [self._text(line) for line in fields["lines"]]
        if "chunks" in fields:
            size, of = fields["chunks"]["size"], fields["chunks"]["of"]
            changed["chunks"] = {"size": size, "of": [self._text(chunk) for chunk in of]}
        return {**fields, **changed}

    def _events(self, fields: dict[str, Any]) -> dict[str, Any]:
        if "events" not in fields:
            return fields
        changed: dict[str, Any] = {
            key: _FIELD.sub(lambda found: found[1] + self._text(found[2]), fields[key])
            for key in ("body", "body-bytes")
            if key in fields
        }
        changed["events"] = [
            {
                **event,
                "data": self._text(event["data"]),
                "id": self._text(event["id"]),
                "event": event["event"]
                if event["event"] == "message"
                else self._text(event["event"]),
            }
            for event in fields["events"]
        ]
        return {**fields, **changed}

    def _text(self, text: str) -> str:
        return text.translate(self.letters)
