"""Decoders without I/O: `feed(chunk)` returns what became complete, `flush()` ends the input.

How the input is cut never changes what comes out, only how early.
"""
