"""TLS against real servers on loopback: who is believed, and what the error says of the others."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from conformance.delivery import Reply
from conformance.tape import Tape
from fasthttp import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime.now(UTC)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """An https server; it counts the requests that it read, and answers each the same."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client leaves."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(context: ssl.SSLContext, answer: bytes = ANSWER) -> AsyncIterator[Server]:
    """An https server with this context."""
    server = Server(answer)
    # A client that does not like the certificate is nothing to complain of.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"https://127.0.0.1:{port}/"
        yield server


def presenting(certificate: trustme.LeafCert, **attributes: Any) -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


def believing(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that knows this authority and no other."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def valid(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", "localhost")


async def error_of(context: ssl.SSLContext, **session: Any) -> str:
    """The message of the error that a request to such a server ends in; nothing was sent."""
    async with serving(context) as server, AsyncSession(security=False, **session) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(server.url)
        assert server.requests == []
        assert caught.value.request.url == server.url
        assert server.url.removeprefix("https://").rstrip("/") in str(caught.value)
    return str(caught.value)


async def test_valid_certificate(authority: trustme.CA, valid: trustme.LeafCert) -> None:
    """A certificate of a known authority for this address is enough, by address and by name."""
    async with (
        serving(presenting(valid)) as server,
        AsyncSession(security=False, verify=believing(authority)) as client,
    ):
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            assert (await client.get(url)).content == b"hello"

    assert len(server.requests) == 2


async def test_unknown_authority(valid: trustme.LeafCert) -> None:
    """Whom the system's store does not know is not believed, and the message says so."""
    message = await error_of(presenting(valid))

    assert "CERTIFICATE_VERIFY_FAILED" in message
    assert "unable to get local issuer certificate" in message


async def test_another_authority(valid: trustme.LeafCert) -> None:
    """One's own context believes its own authorities only."""
    message = await error_of(presenting(valid), verify=believing(trustme.CA()))

    assert "certificate verify failed" in message


async def test_expired_certificate(authority: trustme.CA) -> None:
    """A certificate whose time is over is refused as expired."""
    expired = authority.issue_cert(
        "127.0.0.1", not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=2)
    )

    message = await error_of(presenting(expired), verify=believing(authority))

    assert "certificate has expired" in message


async def test_early_certificate(authority: trustme.CA) -> None:
    """One whose time has not come yet is refused as well."""
    early = authority.issue_cert(
        "127.0.0.1", not_before=NOW + timedelta(days=2), not_after=NOW + timedelta(days=9)
    )

    message = await error_of(presenting(early), verify=believing(authority))

    assert "certificate is not yet valid" in message


@pytest.mark.parametrize(
    ("name", "host", "says"),
    [
        ("other.test", "127.0.0.1", "IP address mismatch"),
        ("127.0.0.1", "localhost", "Hostname mismatch"),
        ("*.test", "localhost", "Hostname mismatch"),
    ],
)
async def test_wrong_host(authority: trustme.CA, name: str, host: str, says: str) -> None:
    """A certificate for somebody else is refused, and the message says whose host was asked for."""
    context = presenting(authority.issue_cert(name))
    async with (
        serving(context) as server,
        AsyncSession(security=False, verify=believing(authority)) as client,
    ):
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(server.url.replace("127.0.0.1", host))

    assert f"{says}, certificate is not valid for {host!r}" in str(caught.value)
    assert server.requests == []


async def test_self_signed_certificate(tmp_path: Path) -> None:
    """A certificate that vouches for itself is refused as self-signed."""
    alone = trustme.CA()
    (tmp_path / "both.pem").write_bytes(alone.private_key_pem.bytes() + alone.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")

    message = await error_of(context)

    assert "self-signed certificate" in message or "self signed certificate" in message


async def test_old_tls_is_refused(authority: trustme.CA, valid: trustme.LeafCert) -> None:
    """A server that speaks TLS 1.1 and nothing newer is not talked to."""
    context, weak = presenting(valid), believing(authority)
    for one in (weak, context):
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            one.minimum_version = ssl.TLSVersion.TLSv1
        one.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    await error_of(context, verify=believing(authority))

    async with (
        serving(context) as server,
        AsyncSession(security=False, verify=weak) as client,  # the server does work
    ):
        assert (await client.get(server.url)).content == b"hello"


async def test_no_encryption_at_all() -> None:
    """A server that answers in the clear is not talked to either."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(refuse, "127.0.0.1", 0) as server,
        AsyncSession(security=False, timeout=5) as client,
    ):
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(httpx.ConnectError, match="SSL"):
            await client.get(f"https://127.0.0.1:{port}/")


async def test_verification_can_be_turned_off(valid: trustme.LeafCert) -> None:
    """With verify=False anybody is believed, also with the wrong name."""
    async with (
        serving(presenting(valid)) as server,
        AsyncSession(security=False, verify=False) as client,
    ):
        assert (await client.get(server.url)).content == b"hello"


async def test_security_does_not_touch_verification(valid: trustme.LeafCert) -> None:
    """security=False opens every address, and still believes nobody unknown."""
    assert "CERTIFICATE_VERIFY_FAILED" in await error_of(presenting(valid))


async def test_client_certificate(authority: trustme.CA, valid: trustme.LeafCert) -> None:
    """An own context is used as it is: here it brings a certificate that the server asks for."""
    wanting = presenting(valid, verify_mode=ssl.CERT_REQUIRED)
    authority.configure_trust(wanting)
    own = believing(authority)
    authority.issue_cert("client.test").configure_cert(own)

    async with serving(wanting) as server, AsyncSession(security=False, verify=own) as client:
        assert (await client.get(server.url)).content == b"hello"


PROGRAM = """
import asyncio, sys
from fasthttp import AsyncSession

async def main():
    async with AsyncSession(security=False) as session:
        print((await session.get(sys.argv[1])).text)

asyncio.run(main())
"""


async def test_environment_names_the_store(
    authority: trustme.CA, valid: trustme.LeafCert, tmp_path: Path
) -> None:
    """SSL_CERT_FILE takes the place of the system's store."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    async with serving(presenting(valid)) as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", PROGRAM, server.url],
            env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "authority.pem")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.stdout, done.stderr) == ("hello\n", "")


# Redirects between http and https


def redirecting(location: str) -> bytes:
    return f"HTTP/1.1 302 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_to_http_is_refused(
    authority: trustme.CA, valid: trustme.LeafCert, status: int
) -> None:
    """What was asked for under encryption does not go on in the clear (security-downgrade)."""
    with Tape() as tape:
        target = tape.play(Reply(body=b"in the clear"))
        answer = redirecting(target.url).replace(b"302", b"%d" % status)
        async with (
            serving(presenting(valid), answer) as server,
            AsyncSession(
                security=False, verify=believing(authority), follow_redirects=True
            ) as client,
        ):
            with pytest.raises(httpx.RemoteProtocolError, match="https"):
                await client.post(server.url, content=b"secret")

        assert tape.connections == 0


async def test_redirect_to_https_is_another_origin(
    authority: trustme.CA, valid: trustme.LeafCert
) -> None:
    """The same host under another scheme gets nothing that may be secret."""
    async with serving(presenting(valid)) as server:
        with Tape() as tape:
            start = tape.play(Reply(307, (("Location", server.url),)))
            headers = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "k"}
            async with AsyncSession(
                security=False,
                headers=headers,
                verify=believing(authority),
                follow_redirects=True,
            ) as client:
                response = await client.post(start.url, content=b"x")

    (request,) = server.requests
    assert response.content == b"hello"
    assert not any(name.lower() in request.lower().decode() for name in headers)
