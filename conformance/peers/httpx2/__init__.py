"""httpx2's AsyncClient, and its reader of events."""
