"""Stream a chat completion and print its tokens as they arrive.

    python examples/chat.py https://api.openai.com/v1/chat/completions "Tell me a story."

Any server that speaks this protocol will do, one on your own machine too. OPENAI_API_KEY, if it is
set, goes along; OPENAI_MODEL names the model.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable

import httpx

from fasthttp import AsyncSession, Security


def show(token: str) -> None:
    print(token, end="", flush=True)


def question(prompt: str) -> bytes:
    return json.dumps(
        {
            "model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
        }
    ).encode()


def headers() -> dict[str, str]:
    fixed = {"Content-Type": "application/json"}
    key = os.environ.get("OPENAI_API_KEY")
    return fixed | {"Authorization": f"Bearer {key}"} if key else fixed


async def chat(
    session: AsyncSession, url: str, prompt: str, show: Callable[[str], None] = show
) -> None:
    """Ask `prompt`, and show each token of the answer the moment it is here."""
    async with session.stream("POST", url, headers=headers(), content=question(prompt)) as response:
        if response.status_code != 200:
            await response.aread()
            told = f"{response.status_code} {response.reason_phrase}\n{response.text}"
            raise httpx.HTTPStatusError(told, request=response.request, response=response)
        async for line in response.aiter_lines():
            if not line.startswith("data:"):
                continue  # the blank line between two events, or a comment
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                break
            for choice in json.loads(data)["choices"]:
                if token := choice["delta"].get("content"):
                    show(token)


async def main(url: str, prompt: str) -> None:
    # The host that was named may be on this machine; no other address there is connected to.
    host = httpx.URL(url).raw_host.decode()
    named = Security(allow=[host] if host else [])
    async with AsyncSession(security=named, timeout=60.0) as session:
        await chat(session, url, prompt)
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print a chat completion as it arrives.")
    parser.add_argument("url")
    parser.add_argument("prompt", nargs="?", default="Tell me a story in many scripts.")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.url, arguments.prompt))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"{arguments.url}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
