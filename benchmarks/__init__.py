"""fasthttp and its peers on the same work, in one run (see `python -m benchmarks --help`).

The harness (`__main__`, `run`) starts one server (`server`) pinned to one core, and for each row
of the table (`rows`) one process for each client (`worker`, `work`, `clients/`), pinned to
another. The clients take turns, round after round, so that a noisy moment hits them alike.
`stats` reduces the samples, `report` and `plots` show them. Everything that runs inside a
client's process imports the standard library and that client, nothing more.
"""
