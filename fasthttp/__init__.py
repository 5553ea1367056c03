"""A small, streaming-first async HTTP session.

`AsyncSession` sends requests; `Response`, an `httpx.Response`, reads what comes back. Errors are
httpx's.
"""

from .decoders.events import ServerSentEvent
from .response import Response
from .session import AsyncSession
from .transport import AiohttpTransport

__all__ = ["AiohttpTransport", "AsyncSession", "Response", "ServerSentEvent"]
