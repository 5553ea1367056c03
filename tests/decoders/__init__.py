"""Tests of the decoders: every input cut as Hypothesis likes, against small references."""
