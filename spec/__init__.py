"""What correct streaming means, for any client: chapters in Markdown, and pure oracles.

`spec.catalogue.load()` reads the chapters; `spec.oracles.<noun>` computes what their rules demand.
Nothing here imports a client.
"""
