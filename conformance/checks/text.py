"""Checks of chapter text: characters that are cut, charsets, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance import strategies
from conformance.checks.body import PLAIN, WHOLE, as_whole, outcome, read, recorded
from conformance.checks.bytes import arrives
from conformance.delivery import FRAMINGS, Delivery, Reply
from conformance.registry import check, searched
from conformance.strategies import Sent, search
from conformance.verdicts import Deviation, compare
from spec.oracles.text import text

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.court import Court


def _typed(charset: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", f"text/plain; charset={charset}"),)


@searched("text-whole")
def cut_anywhere(court: Court) -> None:
    """Cut, a body gives what the client makes of it whole: charsets and errors are not judged."""

    async def judge(case: Case, sent: Sent) -> None:
        reply, delivery = sent
        async with case.reading() as session:
            try:
                whole = await read(case, session, (reply, WHOLE), "aiter_text")
            except Exception:  # noqa: BLE001 - to fail on the whole is text-replacement's fault
                return
            got = await read(case, session, (reply, delivery), "aiter_text")
            compare(whole, got, "as it is when it comes whole")

    drawn = strategies.charsets.flatmap(
        lambda charset: strategies.sent(
            strategies.in_charset(charset) | strategies.bodies, _typed(charset)
        )
    )
    search(court, drawn, judge)


@searched("text-whole", "utf-8")
def as_decoded(court: Court) -> None:
    """Text in UTF-8 is what it is, cut or not."""

    async def judge(case: Case, sent: Sent) -> None:
        async with case.reading() as session:
            got = await outcome(case, session, sent, "aiter_text")
        if got.error is not None:
            raise Deviation("crash", None, got.error)
        for chunk in got.items:
            if not isinstance(chunk, str):
                raise Deviation("wrong-type", "str", got.items)
        compare(text(sent[0].body, "utf-8"), got.text)

    search(court, strategies.sent(strategies.texts.map(str.encode), PLAIN), judge)


@check("text-whole", "recorded", plans=True)
async def recorded_text(case: Case) -> None:
    async with case.opened() as session:
        for reply in recorded("httpbin/encoding-utf8", "sse/feed-lf"):
            got = await read(case, session, (reply, Delivery()), "aiter_text")
            compare(text(reply.body, "utf-8"), got)


@searched("text-charset")
def any_charset(court: Court) -> None:
    """Text that its charset has, delivered whole."""

    async def judge(case: Case, drawn: tuple[str, bytes]) -> None:
        charset, body = drawn
        async with case.reading() as session:
            sent = Reply(headers=_typed(charset), body=body), WHOLE
            compare(text(body, charset), await read(case, session, sent, "aiter_text"))

    drawn = strategies.charsets.flatmap(
        lambda charset: st.tuples(st.just(charset), strategies.in_charset(charset))
    )
    search(court, drawn, judge)


@searched("text-replacement")
def any_bytes(court: Court) -> None:
    """Bytes of all kinds in UTF-8, delivered whole."""

    async def judge(case: Case, body: bytes) -> None:
        async with case.reading() as session:
            sent = Reply(headers=PLAIN, body=body), WHOLE
            compare(text(body, "utf-8"), await read(case, session, sent, "aiter_text"))

    search(court, strategies.bodies, judge)


@check("text-replacement")
async def in_every_charset(case: Case) -> None:
    """Bytes that are at least in part no characters, and no byte order mark among them."""
    body = b"a\xff\x80\n\xe2\x82b\x1b$"
    async with case.opened() as session:
        for charset in strategies.CHARSETS:
            sent = Reply(headers=_typed(charset), body=body), WHOLE
            compare(text(body, charset), await read(case, session, sent, "aiter_text"), charset)


@searched("text-size")
def any_size(court: Court) -> None:
    """Sizes count characters: of what the client itself makes of the body without a size."""

    async def judge(case: Case, drawn: tuple[Sent, int]) -> None:
        (reply, delivery), size = drawn
        async with case.reading() as session:
            whole = await read(case, session, (reply, WHOLE), "aiter_text")
            exchange = case.play(reply, delivery)
            async with case.stream(session, "GET", exchange.url) as response:
                case.note(f"[x async for x in resp.aiter_text({size})]")
                got = [piece async for piece in response.aiter_text(size)]
        expected = [whole[at : at + size] for at in range(0, len(whole), size)]
        compare(expected, got)

    short = st.lists(st.sampled_from(strategies.WORDS), max_size=9).map("".join)
    sent = strategies.sent(short.map(str.encode), PLAIN)
    search(court, st.tuples(sent, st.integers(1, 7)), judge)


@check("text-size", plans=True)
async def characters_not_bytes(case: Case) -> None:
    whole = "één € 日本 \U0001f600!"
    async with case.opened() as session:
        for framing in FRAMINGS:
            exchange = case.play(Reply(headers=PLAIN, body=whole.encode()), Delivery(framing))
            async with case.stream(session, "GET", exchange.url) as response:
                case.note("[x async for x in resp.aiter_text(4)]")
                got = [piece async for piece in response.aiter_text(4)]
            compare(["één ", "€ 日本", " \U0001f600!"], got)
            compare(whole, as_whole(got, "aiter_text"))


@check("text-size", "when-full")
async def as_soon_as_full(case: Case) -> None:
    """A piece that is full is delivered, while the server holds the rest back."""
    await arrives(case, "aiter_text", 3, ["één", " € "], ["日本!"])
