"""The peers' programs, each run by its own environment's Python, as a file."""
