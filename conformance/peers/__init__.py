"""Adapters: other people's clients behind the session interface, as thin as honesty allows."""
