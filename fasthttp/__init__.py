"""A small, streaming-first async HTTP session.

`AsyncSession` sends requests; `Response`, an `httpx.Response`, reads what comes back. Errors are
httpx's.
"""

from .decoders.events import ServerSentEvent
from .response import Response
from .security import BlockedAddress, Security
from .session import AsyncSession
from .transport import AiohttpTransport
from .version import __version__ as __version__

__all__ = [
    "AiohttpTransport",
    "AsyncSession",
    "BlockedAddress",
    "Response",
    "Security",
    "ServerSentEvent",
]
