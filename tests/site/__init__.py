"""The site: what is generated for it, its links, and what a browser sees of it."""
