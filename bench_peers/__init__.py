"""W(4) by other frameworks beside our own code. Each peer lives in its own environment and runs as child processes."""
