"""The version: the one place where it is written (looking it up takes as long as an import)."""

__version__ = "0.1.0"
