"""Checks of chapter events: streams that Hypothesis thinks of, against the oracle.

Each rule of the format has a grammar of its own, so that a fault shows under the rule it breaks:
plain blocks, and the lines that this rule is about. Under events-chunks any lines are mixed, and a
session is compared with itself on the uncut body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.checks.events import TYPE, Events, read
from conformance.registry import searched
from conformance.strategies import search, sent
from conformance.verdicts import compare
from spec.oracles import events as oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.case import Case
    from conformance.court import Court
    from conformance.delivery import Delivery, Reply


@dataclass(frozen=True)
class Grammar:
    """The lines that a rule is about, and what of the events it says something about."""

    pieces: Sequence[bytes]
    look: Callable[[Events], object] = lambda events: [event[:2] for event in events if event[1]]
    tail: bytes = b"data: z\n\n"
    head: Sequence[bytes] = (b"",)
    length: int = 12  # pieces at most


BLOCKS = (b"data: a\n", b"data: bc\n", b"data: a\n\n")

GRAMMARS = {
    "events-attributes": Grammar(BLOCKS),
    "events-line-ends": Grammar((b"data: a", b"data: b", b"\n", b"\r", b"\r\n")),
    "events-fields": Grammar(
        (*BLOCKS, b"data:x:y: z\n", b" data: x\n", b"Data: x\n", b"data : x\n", b"cow: x\n")
    ),
    "events-space": Grammar(
        (*BLOCKS, b"data:a\n", b"data:  a\n", b"data: \ta\n", b"data:a \n", b"data:    \n")
    ),
    "events-data": Grammar(
        (*BLOCKS, b"data\n", b"data:\n", b"data: \n", b"data:\n\n"),
        look=lambda events: [event[1] for event in events],
    ),
    "events-text": Grammar(
        (
            *BLOCKS,
            *(f"data: a{mark}b\n".encode() for mark in "\0\v\f\x1c\x1e\x85\u2028\u2029\ufeff"),
        )
    ),
    "events-comments": Grammar((*BLOCKS, b":\n", b": ping\n", b":data: x\n", b"::\n")),
    "events-no-data": Grammar(
        (*BLOCKS, b"\n", b"event: x\n\n", b"id: 1\n\n", b"retry: 1\n\n", b": ping\n\n"),
        look=lambda events: [event[1] for event in events],
    ),
    "events-bom": Grammar(
        (*BLOCKS, b"\xef\xbb\xbfdata: x\n"),
        head=(b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xef\xbb", b"\xef\xbb\xbf\n"),
    ),
    "events-type": Grammar((*BLOCKS, b"event: x\n", b"event: y\n", b"event\n", b"event:\n")),
    "events-id": Grammar(
        (*BLOCKS, b"id: 1\n", b"id: 2\n", b"id\n", b"id:\n", b"id: a\0b\n", b"id: 3\n\n"),
        look=lambda events: [event[1:3] for event in events if event[1]],
    ),
    "events-end": Grammar(
        (*BLOCKS, b"id: 1\n", b"data: a", b"\n"),
        look=lambda events: [event[1] for event in events if event[1]],
        tail=b"",
    ),
    "events-retry": Grammar(
        (
            *BLOCKS,
            *(
                f"retry:{value}\n".encode()
                for value in ("10", " 20", "  7", " -5", " +5", " 1_0", " 1.5", " ١٢", " ²", "")
            ),
        ),
        look=lambda events: [(event[1], event[3]) for event in events if event[1]],
    ),
    "events-utf8": Grammar(
        (
            *BLOCKS,
            *(
                b"data: a%bb\n" % code
                for code in (
                    b"\xff",
                    b"\xe2\x82",
                    b"\xed\xa0\x80",
                    b"\xc3\xa9",
                    b"\xf0\x9f\x98\x80",
                    b"\xc0\x80",
                )
            ),
        )
    ),
}

EVERYTHING = sorted(
    {piece for id_, grammar in GRAMMARS.items() if id_ != "events-utf8" for piece in grammar.pieces}
)


def bodies(grammar: Grammar) -> st.SearchStrategy[bytes]:
    """Bodies of such lines."""
    lines = st.lists(st.sampled_from(grammar.pieces), max_size=grammar.length).map(b"".join)
    return st.tuples(st.sampled_from(grammar.head), lines, st.just(grammar.tail)).map(b"".join)


def _property(requirement: str, grammar: Grammar) -> None:
    async def as_the_oracle_says(case: Case, drawn: tuple[Reply, Delivery]) -> None:
        reply, delivery = drawn
        expected = [tuple(event) for event in oracle.events(reply.body)]
        got = await read(case, reply.body, delivery)
        compare(grammar.look(expected), grammar.look(got))  # type: ignore[arg-type] # tuples of four

    @searched(requirement)
    def drawn(court: Court) -> None:
        search(court, sent(bodies(grammar), (TYPE,)), as_the_oracle_says)


for _requirement, _grammar in GRAMMARS.items():
    _property(_requirement, _grammar)


@searched("events-chunks")
def cuts_change_nothing(court: Court) -> None:
    anything = Grammar(EVERYTHING, tail=b"", head=(b"", b"\xef\xbb\xbf"), length=20)

    async def agrees(case: Case, drawn: tuple[Reply, Delivery]) -> None:
        reply, delivery = drawn
        whole = await read(case, reply.body)
        compare(whole, await read(case, reply.body, delivery), "cut, and uncut")

    search(court, sent(bodies(anything), (TYPE,)), agrees)
