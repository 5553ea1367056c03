"""httpx-sse, on httpx."""
