"""Differentiate models of other libraries and compare with torch.func: `python -m ood_training.proofs.thirdparty`.

Needs timm, torchvision and transformers (`pip install timm torchvision transformers`), Node and the repository's
`npm ci`. Weights are random (nothing is downloaded), the architectures are the libraries' own; large ones are made with
fewer blocks or channels through their own options. Prints a Markdown table: the largest difference of `jvp` and `vjp`
(float32, in onnxruntime) from torch.func in float64, relative to the largest number, over two batch sizes of one file.

Options: names or parts of names to run, `--exporter dynamo script`, `--log FILE` (failures in full).
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .export import export

ROOT = Path(__file__).resolve().parents[3]
DIRECTIONS = 2


class Logits(nn.Module):
    """Calls a transformers model with one named input and returns one tensor of what it gives."""

    def __init__(self, model: nn.Module, argument: str, output: str) -> None:
        super().__init__()
        self.model, self.argument, self.output = model, argument, output

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self.model(**{self.argument: x}), self.output)


def timm_model(name: str, side: int, **options: object) -> Callable[[], tuple[nn.Module, tuple[int, ...]]]:
    def make() -> tuple[nn.Module, tuple[int, ...]]:
        timm = importlib.import_module("timm")
        return timm.create_model(name, pretrained=False, num_classes=10, **options), (3, side, side)

    return make


def vision_model(name: str, side: int, **options: object) -> Callable[[], tuple[nn.Module, tuple[int, ...]]]:
    def make() -> tuple[nn.Module, tuple[int, ...]]:
        models = importlib.import_module("torchvision.models")
        return models.get_model(name, weights=None, num_classes=10, **options), (3, side, side)

    return make


def text_model(kind: str, argument: str, output: str, shape: tuple[int, ...], **options: object):
    """A transformers model of a tiny configuration; token models are entered at their embeddings."""

    def make() -> tuple[nn.Module, tuple[int, ...]]:
        library = importlib.import_module("transformers")
        config = getattr(library, f"{kind}Config")(**options)
        model = getattr(library, f"{kind}Model")(config)
        return Logits(model, argument, output), shape

    return make


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
STATE = "last_hidden_state"
MODELS: dict[str, Callable[[], tuple[nn.Module, tuple[int, ...]]]] = {
    "timm resnet18": timm_model("resnet18", 48),
    "timm resnet50d": timm_model("resnet50d", 48, layers=(1, 1, 1, 1)),
    "timm convnext_atto": timm_model("convnext_atto", 64),
    "timm convnextv2_atto": timm_model("convnextv2_atto", 64),
    "timm efficientnet_b0": timm_model("efficientnet_b0", 64),
    "timm mobilenetv3_small_050": timm_model("mobilenetv3_small_050", 64),
    "timm densenet121": timm_model("densenet121", 48, block_config=(2, 2, 2, 2)),
    "timm regnety_002": timm_model("regnety_002", 48),
    "timm ghostnet_050": timm_model("ghostnet_050", 64),
    "timm resnest14d": timm_model("resnest14d", 48),
    "timm vit_tiny_patch16_224": timm_model("vit_tiny_patch16_224", 64, img_size=64, depth=3),
    "timm deit3_small_patch16_224": timm_model("deit3_small_patch16_224", 64, img_size=64, depth=2, embed_dim=96),
    "timm swin_tiny_patch4_window7_224": timm_model(
        "swin_tiny_patch4_window7_224", 56, img_size=56, embed_dim=24, depths=(2, 2), num_heads=(2, 4)
    ),
    "timm mixer_s32_224": timm_model("mixer_s32_224", 64, img_size=64),
    "timm gmlp_ti16_224": timm_model("gmlp_ti16_224", 64, img_size=64),
    "timm poolformer_s12": timm_model("poolformer_s12", 64, layers=(1, 1, 1, 1)),
    "timm coatnet_pico_rw_224": timm_model("coatnet_pico_rw_224", 64, img_size=64),
    "timm xcit_nano_12_p16_224": timm_model("xcit_nano_12_p16_224", 64, depth=2),
    "timm edgenext_xx_small": timm_model("edgenext_xx_small", 64),
    "timm inception_next_atto": timm_model("inception_next_atto", 64),
    "torchvision squeezenet1_1": vision_model("squeezenet1_1", 64),
    "torchvision shufflenet_v2_x0_5": vision_model("shufflenet_v2_x0_5", 64),
    "torchvision googlenet": vision_model("googlenet", 64, aux_logits=False, init_weights=False),
    "torchvision mnasnet0_5": vision_model("mnasnet0_5", 64),
    "transformers Bert": text_model("Bert", "inputs_embeds", STATE, (7, 32), **SMALL),
    "transformers GPT2": text_model("GPT2", "inputs_embeds", STATE, (7, 32), n_embd=32, n_layer=2, n_head=4),
    "transformers Llama": text_model("Llama", "inputs_embeds", STATE, (7, 32), num_key_value_heads=2, **SMALL),
    "transformers Roberta": text_model("Roberta", "inputs_embeds", STATE, (7, 32), **SMALL),
    "transformers ViT": text_model("ViT", "pixel_values", STATE, (3, 32, 32), image_size=32, patch_size=8, **SMALL),
    "transformers CLIPVision": text_model("CLIPVision", "pixel_values", "pooler_output", (3, 32, 32), image_size=32, patch_size=8, **SMALL),
    "transformers ConvNext": text_model("ConvNext", "pixel_values", STATE, (3, 64, 64), hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1]),
    "transformers Segformer": text_model("Segformer", "pixel_values", STATE, (3, 64, 64), hidden_sizes=[16, 16, 32, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2]),
    "transformers Wav2Vec2": text_model("Wav2Vec2", "input_values", STATE, (1200,), conv_dim=[16, 16, 16], conv_stride=[5, 4, 2], conv_kernel=[10, 8, 4], num_feat_extract_layers=3, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, **SMALL),
    "transformers Whisper encoder": lambda: whisper(),
    "transformers Mamba": text_model("Mamba", "inputs_embeds", STATE, (6, 32), hidden_size=32, num_hidden_layers=2, state_size=4),
}


def whisper() -> tuple[nn.Module, tuple[int, ...]]:
    library = importlib.import_module("transformers")
    config = library.WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64, decoder_layers=1, decoder_attention_heads=4, num_mel_bins=8, max_source_positions=20
    )
    return Logits(library.WhisperModel(config).encoder, "input_features", STATE), (8, 40)


def perturb(model: nn.Module) -> None:
    """Moves weights that start at zero or one, so that every path carries signal."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                value.normal_(0, 0.2)


def reference(model: nn.Module, x: Tensor, tangents: Tensor, cotangents: Tensor) -> dict[str, np.ndarray]:
    """y, J V and U J in float64."""
    net = copy.deepcopy(model).double()
    point = x.double()
    with sdpa_kernel(SDPBackend.MATH):
        columns = [torch.func.jvp(net, (point,), (v.double(),))[1] for v in tangents]
        y, pull = torch.func.vjp(net, point)
        rows = [pull(u.double())[0] for u in cotangents]
    return {"y": y.detach().numpy(), "jvp": torch.stack(columns).detach().numpy(), "vjp": torch.stack(rows).detach().numpy()}


def gap(got: np.ndarray, want: np.ndarray) -> float:
    if got.shape != want.shape:
        raise ValueError(f"expected shape {want.shape}, got {got.shape}")
    return float(np.abs(got - want).max() / np.abs(want).max())


def consistent(want: dict[str, np.ndarray], tangents: Tensor, cotangents: Tensor) -> bool:
    """Whether the reference's two modes agree: <u, J v> = <u J, v>. Seen to fail: one image through timm's xcit."""
    forward, reverse = (want["jvp"] * cotangents.numpy()).sum(), (want["vjp"] * tangents.numpy()).sum()
    size = np.linalg.norm(want["vjp"]) * np.linalg.norm(tangents.numpy())
    return bool(abs(forward - reverse) < 1e-9 * size)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def engine() -> subprocess.Popen:
    """The TypeScript side, which stays open."""
    command = ["node", "--import", "tsx", "--conditions=@ood/source", "tools/differentiate.ts"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def differentiate(job: dict) -> dict:
    process = engine()
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def check(make: Callable, exporter: str, folder: Path) -> dict:
    """One model by one exporter: sizes and errors, or the message of what failed, by step."""
    torch.manual_seed(0)
    model, shape = make()
    model.eval()
    perturb(model)
    generator = torch.Generator().manual_seed(1)
    draw = lambda *size: torch.randn(*size, generator=generator)  # noqa: E731
    path = folder / "model.onnx"
    try:
        export(model, (draw(2, *shape),), path, exporter=exporter, inputs=("x",), outputs=("y",))
    except Exception as error:
        return {"export": first_line(error)}
    report = differentiate({"source": str(path), "folder": str(folder), "wrt": ["x"], "of": ["y"]})
    if "error" in report:
        return {"jvp": report["error"], "vjp": report["error"]}
    result = {"nodes": report["nodes"], "operators": report["operators"]}
    for rows in (2, 1):
        x = draw(rows, *shape)
        with torch.no_grad():
            tangents, cotangents = draw(DIRECTIONS, *x.shape), draw(DIRECTIONS, *model(x).shape)
        want = reference(model, x, tangents, cotangents)
        for mode, seeds in (("jvp", {"x_tangent": tangents}), ("vjp", {"y_cotangent": cotangents})):
            if "error" in report[mode]:
                result[mode] = report[mode]["error"]
                continue
            if mode == "vjp" and not consistent(want, tangents, cotangents):
                result["note"] = f"PyTorch's reverse mode contradicts its forward mode at {rows} rows: not compared there"
                continue
            out = "y_tangent" if mode == "jvp" else "x_cotangent"
            try:
                feeds = {"x": x.numpy(), **{name: value.numpy() for name, value in seeds.items()}}
                y, got = open_session(folder / f"{mode}.onnx").run(["y", out], feeds)
                result["y"] = max(result.get("y", 0.0), gap(y, want["y"]))
                result[mode] = max(result.get(mode, 0.0), gap(got, want[mode]))
            except Exception as error:
                result[mode] = first_line(error)
                report[mode] = {"error": result[mode]}
    for mode in ("jvp", "vjp"):
        result[f"{mode} nodes"] = report[mode].get("nodes")
    return result


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]


def cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0e}".replace("e-0", "e-")
    return "-" if value is None else "fails"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[""])
    parser.add_argument("--exporter", nargs="*", default=["dynamo", "script"])
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    versions = ", ".join(f"{name} {importlib.import_module(name).__version__}" for name in ("torch", "timm", "torchvision", "transformers", "onnxruntime"))
    print(f"{versions}\n\n| model | exporter | nodes | jvp nodes | vjp nodes | value | jvp | vjp | operators |\n|---|---|--:|--:|--:|--:|--:|--:|---|", flush=True)
    for name in dict.fromkeys(name for part in args.names for name in MODELS if part in name):
        for exporter in args.exporter:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = check(MODELS[name], exporter, Path(folder))
                except Exception as error:
                    found = {"export": first_line(error)}
            operators = ", ".join(sorted(found.get("operators", {})))
            sizes = " | ".join(str(found.get(key, "-")) for key in ("nodes", "jvp nodes", "vjp nodes"))
            errors = " | ".join(cell(found.get(key)) for key in ("y", "jvp", "vjp"))
            name_cell = f"{name} (*)" if "note" in found else name
            print(f"| {name_cell} | {exporter} | {sizes} | {errors} | {operators} |", flush=True)
            failures = {key: value for key, value in found.items() if isinstance(value, str)}
            if failures and args.log:
                with args.log.open("a") as log:
                    log.write(f"{name} | {exporter} | {failures}\n")


if __name__ == "__main__":
    main()
