"""The decoder of events in the package openai, on httpx."""
