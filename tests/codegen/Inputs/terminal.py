"""Runs a command with a terminal for its standard output; prints what came there and the status.

Usage: terminal.py COMMAND [ARGUMENT]...
"""
import os
import pty
import subprocess
import sys

master, slave = pty.openpty()
status = subprocess.run(sys.argv[1:], stdout=slave, check=False).returncode
os.set_blocking(master, False)
try:
    print("terminal:", os.read(master, 10000))
except BlockingIOError:
    print("terminal: nothing")
print("status:", status)
