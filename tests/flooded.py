"""A client that meets one flood after the other, and prints what came of it and what it took.

Its arguments are `url mode max_pending` for each; stdout gets a list of what came of them, as JSON.
"""

import asyncio
import gc
import json
import sys
import tracemalloc
from typing import Any

from fasthttp import AsyncSession, Response, Security


async def read(response: Response, mode: str) -> int:
    """Read as the mode says; return how many bytes or items came."""
    if mode == "late":
        await asyncio.sleep(0.5)  # time for the server to fill whatever can be filled
        return 0
    count = 0
    async for item in getattr(response, mode)():
        count += len(item) if mode == "aiter_bytes" else 1
    return count


async def meet(url: str, mode: str, pending: str) -> dict[str, Any]:
    """Meet a flood; return what came of it, and the most memory that it took meanwhile."""
    gc.collect()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    came: dict[str, Any] = {"count": 0, "error": None, "message": ""}
    security = Security(allow=["127.0.0.1"], max_pending=int(pending))
    async with AsyncSession(security=security) as session:
        try:
            async with session.stream("GET", url) as response:
                came["count"] = await read(response, mode)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            came.update(error=type(error).__name__, message=str(error))
    return {**came, "peak": tracemalloc.get_traced_memory()[1] - before}


async def main(*arguments: str) -> None:
    """Meet them all."""
    each = list(zip(arguments[::3], arguments[1::3], arguments[2::3], strict=True))
    await meet(*each[0])  # whatever is made once has been made
    print(json.dumps([await meet(*one) for one in each]))


if __name__ == "__main__":
    tracemalloc.start()
    asyncio.run(main(*sys.argv[1:]))
