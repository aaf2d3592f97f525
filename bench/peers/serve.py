"""The Python side of the benchmarks: reads one JSON command a line, answers one JSON line.

{"do": "hello"}                                  versions of what is installed
{"do": "prepare", "row": ..., "options": {...}}  loads inputs and warms up; the row's facts
{"do": "run", "row": ...}                        {"ms": time of the work alone, "cpu_ms": ..., "result": {...}}

A row is a function `prepare(**options) -> (facts, work, report)`: `work()` is what is timed, `report(value)` turns its
value into JSON afterwards.
"""

from __future__ import annotations

import gc
import importlib
import json
import platform
import sys
import time

MODULES = {
    "peak": "peak", "jacobian": "jacobian", "log_prob": "log_prob", "auroc": "auroc", "dual_roc": "dual_roc",
    "gram": "gram", "eigenvalues": "eigenvalues", "jvp": "jvp", "unet": "unet",
    "model_free_lid": "model_free_lid", "small_lid": "small_lid",
    "flipd": "flipd", "score_network": "score_network",
    "diffusion_log_prob": "diffusion_log_prob",
    "pixelcnn": "pixelcnn", "flow_network": "flow_network",
    "score_images": "score_images",
}


def hello() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("torch", "numpy", "sklearn", "onnx", "onnxruntime"):
        versions[name] = importlib.import_module(name).__version__
    return versions


def main() -> None:
    prepared = {}
    answers, sys.stdout = sys.stdout, sys.stderr  # a library that prints must not break the protocol
    for line in sys.stdin:
        command = json.loads(line)
        try:
            row = command.get("row")
            if command["do"] == "hello":
                answer = hello()
            elif command["do"] == "prepare":
                facts, *prepared[row] = importlib.import_module(MODULES[row]).prepare(**command["options"])
                answer = facts
            else:
                work, report = prepared[row]
                gc.collect()
                start, start_cpu = time.perf_counter(), time.process_time()
                value = work()
                ms, cpu_ms = (time.perf_counter() - start) * 1000, (time.process_time() - start_cpu) * 1000
                answer = {"ms": ms, "cpu_ms": cpu_ms, "result": report(value)}
        except Exception as error:  # told to the other side, which stops with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
