"""One line for each exchange, at level DEBUG of the logger `fasthttp` (security-secrets-logs)."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from . import urls

if TYPE_CHECKING:
    import httpx

    from .response import Response

_LOGGER = logging.getLogger("fasthttp")


def finished(response: Response) -> None:
    """Log a response that was closed: method, URL, status, bytes of the body, milliseconds."""
    if not _LOGGER.isEnabledFor(logging.DEBUG):
        return
    request = response._request
    _LOGGER.debug(
        "%s %s %d, %d bytes in %.1f ms",
        "-" if request is None else request.method,
        "-" if request is None else urls.shown(request.url),
        response.status_code,
        response.num_bytes_downloaded,
        _milliseconds(response._started),
    )


def failed(request: httpx.Request, error: BaseException, started: float) -> None:
    """Log a request that got no response; of the error only its kind, as others write some."""
    if not _LOGGER.isEnabledFor(logging.DEBUG):
        return
    _LOGGER.debug(
        "%s %s %s after %.1f ms",
        request.method,
        urls.shown(request.url),
        type(error).__name__,
        _milliseconds(started),
    )


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
