"""Checks the trace that lesson 11 records: a self-check of each backend, then three requests."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
spans = [e["name"] for e in events if e.get("cat") == "span"]
assert spans == [f"self-check of {name}" for name in ("tiled", "simple", "torch")] \
    + ["request by tiled"] * 3, spans
kernels = [e for e in events if e.get("cat") == "kernel"]
assert [k["name"] for k in kernels] == ["production_matmul_kernel"] * 4 + ["simple_kernel"] * 4 \
    + ["production_matmul_kernel"] * 3, kernels
assert kernels[-1]["args"]["grid"] == [1, 1, 1], kernels[-1]
assert kernels[-1]["args"]["bytes"] == 3 * 64 * 64 * 4, kernels[-1]
