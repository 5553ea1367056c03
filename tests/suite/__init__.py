"""Tests of the suite itself: what it says, what a run comes to, and that nobody can fool it."""
