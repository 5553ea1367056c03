"""A small, streaming-first async HTTP session."""
