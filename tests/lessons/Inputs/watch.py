"""Plays a learner with an editor beside `tkc lesson check 1.1 --watch`, in the current folder.

Usage: watch.py TKC STATE_HOME
"""
import os
import queue
import signal
import subprocess
import sys
import threading

tkc, state = sys.argv[1:3]
environment = dict(os.environ, XDG_STATE_HOME=state)


def text_of(*words):
    return subprocess.run([tkc, "lesson", *words], check=True, capture_output=True, text=True,
                          env=environment).stdout


start = text_of("code", "1.1")
solution = text_of("solution", "1.1", "--anyway").split("\nThe subtraction is")[0]
with open("lesson_01_1.tk", "w", encoding="utf-8") as file:
    file.write(start)

watching = subprocess.Popen([tkc, "lesson", "check", "1.1", "--watch"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=environment)
lines = queue.Queue()


def read():
    for line in watching.stdout:
        lines.put(line.rstrip("\n"))
    lines.put(None)


threading.Thread(target=read, daemon=True).start()


def printed_until_watching():
    """The lines up to `watching ...`; fails if they do not come."""
    got = []
    while not got or not got[-1].startswith("watching"):
        line = lines.get(timeout=20)
        assert line is not None, got
        got.append(line)
    return "\n".join(got)


try:
    first = printed_until_watching()
    assert "TK9001" in first and "not solved yet" in first, first

    # Saved in place, with a mistake in the syntax.
    with open("lesson_01_1.tk", "w", encoding="utf-8") as file:
        file.write(start.replace("def vector_subtract(", "def vector_subtract(:"))
    second = printed_until_watching()
    assert "lesson_01_1.tk:18:21: error" in second and "TK0135" in second, second

    # An editor that moves the old file away and renames a new one to its name.
    os.rename("lesson_01_1.tk", "lesson_01_1.tk.old")
    try:
        raise AssertionError(f"checked without a file: {lines.get(timeout=1)}")
    except queue.Empty:
        pass
    with open("lesson_01_1.tk.new", "w", encoding="utf-8") as file:
        file.write(solution)
    os.rename("lesson_01_1.tk.new", "lesson_01_1.tk")
    third = printed_until_watching()
    assert "10 of 10 checks passed on emu" in third and "1.1 is solved" in third, third

    # Nothing was saved: nothing is checked.
    try:
        raise AssertionError(f"checked again: {lines.get(timeout=1)}")
    except queue.Empty:
        pass
finally:
    watching.send_signal(signal.SIGINT)
    status = watching.wait(timeout=20)
assert status == 130, status
