"""What a user can run: each program takes a real URL, and `python -m examples.demo` needs none."""
