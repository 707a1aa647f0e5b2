"""Backups of the whole platform: one instant of every database, the blobs, and apart from both the keys."""
