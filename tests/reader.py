"""Read streams in a process of its own, and tell for each what it cost: `test_growth` runs this.

    python -m tests.reader MODE URL...

prints a line of JSON for each URL: the items, the characters of the longest, the processor time,
by how many bytes memory rose at most, and how many pages of it the kernel had to give.
"""

import asyncio
import json
import re
import resource
import sys
import time
from pathlib import Path

from fasthttp import AsyncSession

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory() -> int:
    """The most bytes that were in memory since `forget_memory()`."""
    if STATUS.exists():  # not ru_maxrss: it begins with what the parent of this process had
        found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())
        assert found
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_memory() -> None:
    """Let the most be what is in memory now."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def faults() -> int:
    """The pages that the kernel has given to this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


async def read(session: AsyncSession, mode: str, url: str) -> tuple[int, int]:
    """The number of items, and the size of the longest."""
    number = longest = 0
    async with session.stream("GET", url) as response:
        async for item in getattr(response, mode)():
            number += 1
            size = len(item.data) if mode == "aiter_events" else len(item)
            longest = max(longest, size)
    return number, longest


async def main(mode: str, *urls: str) -> None:
    """Read each and print its figures."""
    async with AsyncSession(security=False) as session:
        for url in urls:
            forget_memory()
            before, given, began = memory(), faults(), time.process_time()
            number, longest = await read(session, mode, url)
            figures = {
                "seconds": time.process_time() - began,
                "items": number,
                "longest": longest,
                "memory": memory() - before,
                "pages": faults() - given,
            }
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
