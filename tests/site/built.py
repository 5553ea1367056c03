"""The built site, served on loopback, and the browser that looks at it."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("SITE", ROOT / "site"))
AXE = ROOT / ".venv-docs" / "node_modules" / "axe-core" / "axe.min.js"
NOT_BUILT = "the site is not built here: make docs-test does it"
PAGES = (
    "",
    "learn/reading/",
    "guides/chat/",
    "specification/",
    "specification/lines/",
    "specification/events/",
    "specification/requirements/",
    "specification/bugs/",
    "conformance/",
    "conformance/matrix/",
    "conformance/scoreboard/",
    "conformance/kills/",
    "reference/session/",
    "benchmarks/",
    "project/design/",
)


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the folder on loopback; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
