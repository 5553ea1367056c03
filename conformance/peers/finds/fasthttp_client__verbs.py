"""The verbs of fasthttp-client take no headers and no timeout (session-verbs, headers-merged).

AttributeError: 'function' object has no attribute 'func'
AttributeError: 'function' object has no attribute 'func'
"""

import asyncio
from typing import Any

from fasthttp import AsyncSession


async def main() -> None:
    given: tuple[dict[str, Any], ...] = ({"headers": {"X-A": "1"}}, {"timeout": 5.0})
    async with AsyncSession(security=False) as session:
        for more in given:
            try:
                await session.get("http://127.0.0.1:1/", **more)
            except AttributeError as error:
                print(f"AttributeError: {error}")


asyncio.run(main())
