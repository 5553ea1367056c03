"""aiohttp's ClientSession."""
