"""The decoder of events in the package anthropic, on httpx."""
