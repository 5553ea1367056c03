"""The chunk plans: which cuts each of them makes."""

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from conformance.delivery import Delivery, Reply, script
from conformance.plans import PLANS, drawn, planned

BODY = "a\r\nbé\n\r\u2028".encode()


@pytest.mark.parametrize(
    ("plan", "pieces"),
    [
        ("whole", [BODY]),
        ("halves", [b"a\r\nb\xc3", b"\xa9\n\r\xe2\x80\xa8"]),
        ("edges", [b"a", b"\r\nb\xc3\xa9\n\r\xe2\x80", b"\xa8"]),
        ("pairs", [b"a\r", b"\nb", b"\xc3\xa9", b"\n\r", b"\xe2\x80", b"\xa8"]),
        ("bytewise", [BODY[at : at + 1] for at in range(len(BODY))]),
        ("crlf-cut", [b"a\r", b"\n", b"b\xc3\xa9\n", b"\r", b"\xe2\x80\xa8"]),
        ("utf8-cut", [b"a\r\nb\xc3", b"\xa9\n\r\xe2", b"\x80", b"\xa8"]),
    ],
)
def test_a_plan_cuts_the_body(plan: str, pieces: list[bytes]) -> None:
    """Each plan makes the pieces that its name promises."""
    delivery = planned(plan, Reply(body=BODY), Delivery())

    assert script(Reply(body=BODY), delivery).pieces == tuple(pieces)


@pytest.mark.parametrize("plan", PLANS)
@given(body=st.binary(max_size=40))
def test_cuts_ascend_inside_the_body(plan: str, body: bytes) -> None:
    """Whatever the body, a plan's offsets ascend and lie strictly inside it."""
    cuts = PLANS[plan](body)

    assert list(cuts) == sorted(set(cuts))
    assert all(0 < cut < len(body) for cut in cuts)


@pytest.mark.parametrize("plan", ["bytewise", "pairs", "crlf-cut", "utf8-cut"])
def test_a_long_body_is_cut_at_both_ends_only(plan: str) -> None:
    """Of many cuts the first and the last 512 are used."""
    body = "\r\né".encode() * 5000

    cuts = PLANS[plan](body)

    assert len(cuts) == 1024
    assert cuts[511] < 2100
    assert cuts[512] > len(body) - 2100


def test_a_plan_can_cut_the_wire() -> None:
    """With wire=True the whole message is cut, its head included."""
    reply = Reply(body=b"ab")

    delivery = planned("bytewise", reply, Delivery("content-length"), wire=True)

    assert {len(segment) for segment in script(reply, delivery).segments} == {1}


def test_a_plan_cuts_what_is_coded() -> None:
    """The cuts lie in the coded body."""
    reply = Reply(body=b"a" * 1000)

    delivery = planned("bytewise", reply, Delivery(codings=("gzip",)))

    assert len(delivery.chunks) == len(script(reply, delivery).body) - 1 < 100


@given(data=st.data(), length=st.integers(0, 50))
def test_drawn_cuts_ascend_inside_the_body(data: st.DataObject, length: int) -> None:
    """Drawn cuts are such as a plan could make."""
    cuts = data.draw(drawn(length))

    assert list(cuts) == sorted(set(cuts))
    assert all(0 < cut < length for cut in cuts)


def test_drawn_cuts_shrink_to_none() -> None:
    """The simplest drawing cuts nothing, and the next simplest once."""
    assert find(drawn(50), lambda cuts: True) == ()
    assert find(drawn(50), lambda cuts: len(cuts) > 0) == (1,)
