"""Training: it learns, it repeats, and a killed run ends where an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from synthetic import config, images, train, weights

from ood_training.data.stream import BatchStream
from ood_training.export import evaluate, load_ema


@pytest.mark.parametrize("coupling", ["affine", "rqs"])
def test_two_steps_change_the_weights_and_write_a_checkpoint(coupling: str, tmp_path: Path) -> None:
    module = train(tmp_path, config(coupling))
    assert module.global_step == 2
    flow, settings, record = load_ema(tmp_path / "last.ckpt")
    assert settings == config(coupling) and record["step"] == 2
    before = torch.cat([p.flatten() for p in module.flow.parameters()])
    assert not torch.equal(before, torch.cat([p.flatten() for p in module.ema.parameters()]))
    assert torch.isfinite(flow.log_prob(torch.randn(2, 1, 8, 8))).all()


def test_training_lowers_bits_per_dimension(tmp_path: Path) -> None:
    settings = config("affine", steps=60)
    settings.lr = 5e-3
    train(tmp_path / "long", settings, validate_every=30)
    train(tmp_path / "short", config("affine", steps=1))
    held = images(64, seed=9)
    long, short = (evaluate(load_ema(tmp_path / run / "last.ckpt")[0], held) for run in ("long", "short"))
    # About 1.5 bits on this data; half a bit is far above the noise of one draw.
    assert long["bitsPerDim"] < short["bitsPerDim"] - 0.5
    assert (tmp_path / "long" / "best.ckpt").exists()


def test_same_seed_same_weights(tmp_path: Path) -> None:
    one = train(tmp_path / "a", config("rqs", steps=3, dropout=0.2))
    two = train(tmp_path / "b", config("rqs", steps=3, dropout=0.2))
    other = train(tmp_path / "c", config("rqs", steps=3, dropout=0.2, seed=1))
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))


def test_resumed_run_equals_undisturbed_run(tmp_path: Path) -> None:
    """Steps cross an epoch boundary (4 steps an epoch) and use dropout, so order, noise and masks must all resume."""
    whole = train(tmp_path / "whole", config("affine", steps=7, dropout=0.2))
    train(tmp_path / "cut", config("affine", steps=7, dropout=0.2), stop_at=3)
    resumed = train(tmp_path / "cut", config("affine", steps=7, dropout=0.2))
    assert resumed.global_step == 7
    assert torch.equal(weights(whole), weights(resumed))


def test_a_checkpoint_of_a_killed_run_has_the_average_of_its_last_step(tmp_path: Path) -> None:
    """Written between two steps, as a timed checkpoint is, and gone on from: nothing of the average is lost."""
    whole = train(tmp_path / "whole", config("affine", steps=6))

    class Killed(Exception):
        pass

    class Kill(L.Callback):
        def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
            if trainer.global_step == 4:
                raise Killed

    with pytest.raises(Killed):
        # A checkpoint before every step; the callback that kills comes first at step 4, so step 3 was the last saved.
        train(tmp_path / "cut", config("affine", steps=6), checkpoint_minutes=0, callbacks=[Kill()])
    assert torch.load(tmp_path / "cut" / "last.ckpt", weights_only=False)["global_step"] == 3
    resumed = train(tmp_path / "cut", config("affine", steps=6))
    assert torch.equal(weights(whole), weights(resumed))


def test_budget_in_minutes_ends_the_run(tmp_path: Path) -> None:
    module = train(tmp_path, config("affine", steps=100_000), max_minutes=1e-4)
    assert module.global_step <= 2
    assert module.elapsed() > 0


def test_stream_is_a_function_of_the_step() -> None:
    data = images(40)
    a = BatchStream(data, 8, seed=3)
    assert torch.equal(a.at(7)[0], BatchStream(data, 8, seed=3, start=7).at(7)[0])
    first = next(iter(BatchStream(data, 8, seed=3, start=7)))[0]
    assert torch.equal(first, a.at(7)[0])
    assert not torch.equal(a.at(2)[0], a.at(7)[0])


def test_ranks_share_an_epoch_without_overlap() -> None:
    data = np.arange(32, dtype=np.uint8).reshape(32, 1, 1, 1)
    seen: list[int] = []
    for rank in range(2):
        stream = BatchStream(data, 4, seed=0, rank=rank, world=2)
        for step in range(stream.steps_per_epoch):
            seen += stream.rows(step).tolist()
    assert sorted(seen) == list(range(32))
