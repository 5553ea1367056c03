"""Writes the parts of the site that are made from the specification, the results and the manifest.

`python -m docs.generate` fills `docs/generated/` and the few other places that docs/.gitignore
names; the pages of the site are stubs that include what stands there. Nothing else is touched, and
the same tree gives the same files.
"""
