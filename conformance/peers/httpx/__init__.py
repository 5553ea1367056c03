"""Plain httpx.AsyncClient."""
