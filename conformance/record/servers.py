"""The servers that are recorded: started on loopback, stopped whatever happens.

Each inherits a socket that already listens, on a port the system chose: nobody can take the port in
between, and a connection waits in the socket's queue until the server is up: nothing is polled.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

STOP_SECONDS = 10

HASHING = {"PYTHONHASHSEED": "0"}  # Werkzeug sends Allow in the order of a set


@dataclass(frozen=True)
class Kind:
    """A server program: `{fd}` in its arguments is the number of the inherited socket."""

    host: str
    module: str
    arguments: str
    packages: tuple[str, ...]

    def command(self, fd: int | str = "FD") -> list[str]:
        """The command after `python`."""
        return ["-m", self.module, *self.arguments.format(fd=fd).split()]


KINDS = {
    "httpbin": Kind(
        host="httpbin.test",
        module="gunicorn",
        arguments="--bind fd://{fd} --worker-class gthread --threads 2 --graceful-timeout 2 "
        "httpbin:app",
        packages=("httpbin", "gunicorn", "flask", "werkzeug"),
    ),
    "sse": Kind(
        host="sse.test",
        module="uvicorn",
        arguments="--fd {fd} --http h11 --loop asyncio --log-level warning "
        "conformance.record.sse_app:app",
        packages=("sse-starlette", "starlette", "uvicorn", "h11"),
    ),
}


@dataclass(frozen=True)
class Server:
    """A running server."""

    kind: Kind
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def story(self) -> str:
        """What it said last, for an error message."""
        try:
            state = f"ended with {self.process.wait(timeout=1)}"
        except subprocess.TimeoutExpired:
            state = "is running"
        lines = self.log.read_text(errors="replace").splitlines()
        return f"{self.kind.module} {state}; its log ends:\n  " + "\n  ".join(lines[-15:])


@contextmanager
def running(kind: Kind) -> Iterator[Server]:
    """The server, while the block runs."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as sock:
        log = Path(folder) / "log"
        process = _start(kind, sock, log)
        try:
            port = sock.getsockname()[1]
            sock.close()  # now only the server holds it: if that ends, connections are refused
            yield Server(kind, port, process, log)
        finally:
            _stop(process)


def _start(kind: Kind, sock: socket.socket, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *kind.command(sock.fileno())],
            cwd=ROOT,
            env=os.environ | HASHING,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[sock.fileno()],
            start_new_session=True,  # its workers are in its group, and Ctrl-C is ours to handle
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
