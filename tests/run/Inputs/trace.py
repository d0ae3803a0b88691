"""Checks the trace that trace.tk records: trace.py FILE DEVICE."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
device = sys.argv[2]
rows = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
assert sorted(rows.values()) == [f"device {device}", "host"], rows
complete = [e for e in events if e["ph"] == "X"]
for event in complete:
    assert event["ts"] >= 0 and event["dur"] >= 0, event
    assert event["pid"] == 1 and event["tid"] in rows, event
by_category = {}
for event in complete:
    by_category.setdefault(event["cat"], []).append(event)
(span,) = by_category["span"]
assert span["name"] == 'a "request"\n\u00e9', span
(compiled,) = by_category["compile"]  # the other specialisation was compiled before
assert compiled["name"] == "add" and compiled["dur"] > 0, compiled
kernels = by_category["kernel"]
assert [k["name"] for k in kernels] == ["add", "add"], kernels
assert [k["args"]["grid"] for k in kernels] == [[8, 1, 1], [4, 1, 1]], kernels
assert all(rows[k["tid"]] == f"device {device}" for k in kernels)
assert all(k["args"]["bytes"] == 8000 and k["args"]["warps"] == 4 for k in kernels), kernels
assert kernels[0]["args"]["signature"] == "*fp32:16, *fp32:16, *fp32:16, i32, 128", kernels
assert kernels[0]["args"]["launched at"].endswith("trace.tk:29"), kernels
launches = by_category.get("launch", [])
assert len(launches) == (2 if device == "cuda" else 0), launches
inside = launches if device == "cuda" else kernels
for event in inside + [compiled]:
    assert span["ts"] <= event["ts"] and event["ts"] + event["dur"] <= span["ts"] + span["dur"] + 0.01
