"""The shared command line: every trainer reads the same options and hands them to its own `fit`."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import pytest
import torch

from ood_training.trainer import run_from_command_line

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

#: module -> a configuration of its kind, and what its command line changes of the common defaults.
TRAINERS = {
    "ood_training.train": ("flow-fmnist-background.toml", {}),
    "ood_training.diffusion.train": ("diffusion-fmnist.toml", {}),
    "ood_training.autoregressive.train": ("pixelcnn-fmnist.toml", {}),
    "ood_training.sequence.train": ("lstm-genome.toml", {"validate_every": 500}),
    "ood_training.tabular.train": ("tabular-flow-lollipop.toml", {"accelerator": "cpu", "devices": 1, "log_every": 200}),
}
#: what reads data, by module.
READERS = {"ImageData", "ScoreData", "PixelData", "read_data", "read_points"}
COMMON = {
    "max_minutes": None, "accelerator": "auto", "devices": "auto", "strategy": "auto", "precision": None,
    "checkpoint_minutes": 3.0, "log_every": 100, "validate_every": 1000,
}


@pytest.mark.parametrize("name", TRAINERS)
def test_options_of_every_trainer(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    trainer = importlib.import_module(name)
    file, changed = TRAINERS[name]
    seen: list[tuple] = []
    monkeypatch.setattr(trainer, "fit", lambda config, data, folder, **options: seen.append((config, folder, options)))
    for reader in READERS & set(vars(trainer)):
        monkeypatch.setattr(trainer, reader, lambda *_: None)
    compile = {"compile": False} if name == "ood_training.train" else {}

    monkeypatch.setattr(sys, "argv", ["train", "--config", str(CONFIGS / file), "--runs", str(tmp_path)])
    trainer.main()
    config, folder, options = seen.pop()
    assert folder == tmp_path / config.name
    assert options == {**COMMON, **changed, **compile}
    assert f"run={folder} pid=" in capsys.readouterr().out

    given = ["--max-minutes", "2.5", "--devices", "3", "--precision", "16-mixed", "--validate-every", "7", "--accelerator", "gpu"]
    monkeypatch.setattr(sys, "argv", [*sys.argv, *given])
    trainer.main()
    assert seen.pop()[2] == {
        **COMMON, **changed, **compile,
        "max_minutes": 2.5, "devices": "3", "precision": "16-mixed", "validate_every": 7, "accelerator": "gpu",
    }


def test_threads_are_set_and_a_missing_configuration_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    chosen: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    monkeypatch.setattr(sys, "argv", ["train", "--config", "x.toml", "--threads", "3", "--runs", str(tmp_path)])
    run_from_command_line("", lambda _: argparse.Namespace(name="run"), lambda *_: None)
    assert chosen == [3] and torch.get_num_threads() == before
    monkeypatch.setattr(sys, "argv", ["train"])
    with pytest.raises(SystemExit):
        run_from_command_line("", lambda _: argparse.Namespace(name="run"), lambda *_: None)
