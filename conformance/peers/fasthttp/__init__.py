"""This project's session on its own engine: it needs no adapter."""
