"""The yardstick: workers over one iterator through the openai SDK's aiohttp transport; nothing is kept.

Imports nothing of Dry Run, so that its whole process can be compared, and prints wall and CPU seconds of the
loop: ``python sdk_loop.py URL PROMPTS AT_ONCE``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import openai


async def loop(base_url: str, prompts: int, at_once: int) -> None:
    """Ask and compare; the server is right seven times in ten."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="k", http_client=openai.DefaultAioHttpClient())
    todo = iter(range(prompts))
    right = 0

    async def worker() -> None:
        nonlocal right
        for number in todo:
            text = f"item {number}: reply with the item number only."
            answer = await client.chat.completions.create(
                model="mock", messages=[{"role": "user", "content": text}]
            )
            right += answer.choices[0].message.content == str(number)

    async with client:
        await asyncio.gather(*(worker() for _ in range(at_once)))
    assert round(right / prompts, 3) == 0.7


if __name__ == "__main__":
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(loop(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
