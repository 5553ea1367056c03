"""niquests' AsyncSession."""
