"""Train several runs one after another: `python -m ood_training.realnvp.queue configs/a.toml configs/b.toml`.

A run that ended leaves `done` in its folder and is passed over, one that was killed goes on from its last checkpoint.
Arguments after `--` go to every run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .run_config import RunConfig


def main(arguments: list[str]) -> int:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    configs, options = arguments[:end], arguments[end + 1 :]
    runs = Path(options[options.index("--runs") + 1]) if "--runs" in options else Path("runs")
    failed = 0
    for path in configs:
        done = runs / RunConfig.read(path).name / "done"
        if done.exists():
            print(f"{path}: done", flush=True)
            continue
        code = subprocess.call([sys.executable, "-m", "ood_training.realnvp.train", "--config", path, *options])
        print(f"{path}: {'done' if code == 0 else f'failed ({code})'}", flush=True)
        if code == 0:
            done.write_text("")
        failed += code != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
