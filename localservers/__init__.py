"""Real servers as child processes on free loopback ports, each with its own folder; they end with whoever started them."""
