"""`python -m docs.generate`: write everything that the site includes."""

from docs.generate import cassettes, chapters, faults, files, llms, matrix, measured


def main() -> None:
    """Write it all; the table of contents last, for it reads what the others wrote."""
    for part in (files, chapters, faults, matrix, cassettes, measured, llms):
        part.generate()


if __name__ == "__main__":
    main()
