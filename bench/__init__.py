"""Measurements. Each compares with something in the same run and prints a ratio: machines are noisy."""
