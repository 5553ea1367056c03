"""The checks, one module for each chapter, and the examples of all chapters."""
