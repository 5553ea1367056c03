"""What a process costs that has just been started: rows `import` and `first`.

    python -m benchmarks.fresh CLIENT BASE_URL CORE

It prints one line of JSON. The clock starts once Python and asyncio are there, since every
program that uses a client pays for these.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from benchmarks import machine
from benchmarks.clients import load


async def first(module: object, base: str) -> None:
    """Get 200 bytes and close."""
    async with module.Client(10) as client:  # type: ignore[attr-defined]  # every client has one
        body = await client.get(f"{base}/plain?size=200")
        assert len(body) == 200


def main(client: str, base: str, core: str) -> None:
    """Measure the first request, with and without the import."""
    machine.pin(int(core) if core else None)
    started = time.perf_counter()
    module = load(client)
    imported = time.perf_counter()
    asyncio.run(first(module, base))
    ended = time.perf_counter()
    print(json.dumps({"seconds": ended - started, "after_import": ended - imported}), flush=True)
    os._exit(0)  # a client's own threads may not take an interpreter that goes away well


if __name__ == "__main__":
    main(*sys.argv[1:])
