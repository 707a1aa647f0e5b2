"""Runs one command in this process group and kills the group when the starting process is gone, even by kill -9.

Run as a file: ``python guard.py UID GID COMMAND…`` (-1: keep). Standard input is a pipe whose other end the starter
holds: its end means that the starter has ended. PR_SET_PDEATHSIG would not do: it fires when the starting *thread* ends
and is lost at the server's own forks. The command's process id is written to standard output.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys


def main() -> None:
    """Start the command, say its process id, watch. Ends with the whole group, killed."""
    uid, gid, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    identity = {"user": uid, "group": gid, "extra_groups": []} if uid >= 0 else {}
    # The command's output goes where this process's errors go: the log.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, **identity)  # type: ignore[call-overload]
    os.write(1, f"{child.pid}\n".encode())
    os.close(1)
    select.select([0, os.pidfd_open(child.pid)], [], [])
    child.kill()
    child.wait()  # not left to init, which may be slow: PostgreSQL does not start beside a zombie of itself
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
