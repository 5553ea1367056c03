"""This project's session on httpx's engine."""
