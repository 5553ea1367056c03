"""Programs that show, each with one client alone, what the suite has found.

`python -m conformance.peers.finds` runs each in the environment that `make matrix` has made for its
client, and compares what it prints with what its docstring says below the first line.
"""
