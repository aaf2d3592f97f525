"""Writes torch-oracle.json: operators, inputs and their Jacobians as PyTorch gives them, at ordinary points and at kinks.

Run from anywhere: python torch_oracle.py. Values are float64 rounded to 9 digits.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
cases = []


def plain(tensor):
    return [v if math.isfinite(v) else str(v) for v in (float(f"{v:.9g}") for v in tensor.flatten().tolist())]


def case(name, op, function, *inputs, opset=20, fixed=(), output=0, at_kink=False, layout=None, **attributes):
    """`function` of the varying inputs; `fixed` are (position, type, tensor) of the operator's constant inputs.

    `layout` gives the positions of the varying inputs where they are not the first ones.
    """
    y = function(*inputs)
    jacobians = torch.autograd.functional.jacobian(function, inputs)
    cases.append(
        {
            "name": name,
            "op": op,
            "opset": opset,
            "output": output,
            "kink": at_kink,
            "attributes": attributes,
            "layout": layout or list(range(len(inputs))),
            "inputs": [{"shape": list(x.shape), "data": plain(x)} for x in inputs],
            "fixed": [
                {"at": at, "type": kind, "shape": list(t.shape), "data": plain(t.double())} for at, kind, t in fixed
            ],
            "y": {"shape": list(y.shape), "data": plain(y)},
            "jacobians": [plain(j) for j in jacobians],
        }
    )


def kinks():
    line = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])

    def kink(name, op, function, *inputs, **rest):
        case(f"{name} at its kinks", op, function, *inputs, at_kink=True, **rest)

    for name, function in [("Relu", F.relu), ("Abs", torch.abs), ("Sign", torch.sign), ("Round", torch.round)]:
        kink(name, name, function, line)
    for name, function in [("Floor", torch.floor), ("Ceil", torch.ceil), ("HardSwish", F.hardswish), ("Selu", F.selu)]:
        kink(name, name, function, line)
    kink("LeakyRelu", "LeakyRelu", lambda x: F.leaky_relu(x, 0.2), line, alpha=0.2)
    kink("Elu", "Elu", lambda x: F.elu(x, 0.7), line, alpha=0.7)
    kink("Celu", "Celu", lambda x: F.celu(x, 0.7), line, alpha=0.7)
    kink("HardSigmoid", "HardSigmoid", F.hardsigmoid, line, alpha=1 / 6, beta=0.5)
    kink("ThresholdedRelu", "ThresholdedRelu", lambda x: F.threshold(x, 0.5, 0.0), line, alpha=0.5)
    kink("Shrink, soft", "Shrink", lambda x: F.softshrink(x, 0.5), line, lambd=0.5, bias=0.5)
    kink("Shrink, hard", "Shrink", lambda x: F.hardshrink(x, 0.5), line, lambd=0.5, bias=0.0)
    bounds = [(1, "float", torch.tensor(-1.0)), (2, "float", torch.tensor(0.5))]
    kink("Clip", "Clip", lambda x: torch.clamp(x, -1.0, 0.5), line, fixed=bounds)
    low, high = torch.tensor(0.5), torch.tensor(-1.0)
    kink("Clip of crossed bounds", "Clip", lambda x, a, b: torch.clamp(x, a, b), line, low, high)
    kink("PRelu", "PRelu", F.prelu, line.reshape(1, 1, 7), torch.tensor([0.3]))
    kink("Sqrt", "Sqrt", torch.sqrt, torch.tensor([0.0, 4.0]))
    kink("Log", "Log", torch.log, torch.tensor([0.0, 4.0]))
    for exponent in (0.0, 0.5, 1.0, 2.0):
        number = [(1, "float", torch.tensor(exponent))]
        kink(f"Pow {exponent}", "Pow", lambda x, e=exponent: x**e, torch.tensor([0.0, 2.0]), fixed=number)
    kink("Pow", "Pow", torch.pow, torch.tensor([0.0, 0.0, 2.0]), torch.tensor([0.0, 2.0, 0.0]))
    a, b = torch.tensor([1.0, 2.0, 0.0]), torch.tensor([1.0, 1.0, 3.0])
    kink("Max", "Max", torch.maximum, a, b)
    kink("Min", "Min", torch.minimum, a, b)
    ties = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [1.0, 0.0, 2.0]])
    axis = [(1, "int64", torch.tensor([1]))]
    kink("ReduceMax", "ReduceMax", lambda x: torch.amax(x, 1), ties, fixed=axis, keepdims=0)
    kink("ReduceMin", "ReduceMin", lambda x: torch.amin(x, 1), ties, fixed=axis, keepdims=0)
    zeros = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    kink("ReduceL2", "ReduceL2", lambda x: torch.linalg.vector_norm(x, 2, 1), zeros, fixed=axis, keepdims=0)
    kink("ReduceL1", "ReduceL1", lambda x: torch.linalg.vector_norm(x, 1, 1), zeros, fixed=axis, keepdims=0)
    products = torch.tensor([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    kink("ReduceProd", "ReduceProd", lambda x: torch.prod(x, 1), products, fixed=axis, keepdims=0)
    image = torch.tensor([1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 0.0]).reshape(1, 1, 3, 3)
    kink("MaxPool", "MaxPool", lambda x: F.max_pool2d(x, 2, 1), image, kernel_shape=[2, 2])
    kink("GlobalMaxPool", "GlobalMaxPool", lambda x: F.adaptive_max_pool2d(x, 1), image)
    index = torch.tensor([[0, 0, 1]])
    rows, updates = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0, 3.0]])
    for mode, reduce in [("max", "amax"), ("min", "amin"), ("mul", "prod")]:
        function = lambda x, u, r=reduce: x.scatter_reduce(1, index, u, r)  # noqa: E731
        fixed = [(1, "int64", index)]
        kink(f"ScatterElements {mode}", "ScatterElements", function, rows, updates, fixed=fixed, layout=[0, 2], axis=1,
             reduction=mode)


def layers():
    r = torch.randn
    x = r(1, 4, 5, 4)
    case("Conv", "Conv", lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=1, groups=2), x, r(4, 2, 3, 2),
         strides=[2, 1], pads=[1, 1, 1, 1], group=2)
    small = r(1, 4, 2, 3)
    case("ConvTranspose", "ConvTranspose",
         lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1, groups=2, dilation=(1, 2)),
         small, r(4, 1, 3, 2), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1], group=2, dilations=[1, 2])
    one = r(1, 1, 5, 4)
    case("AveragePool", "AveragePool", lambda x: F.avg_pool2d(x, 2, 2, 1, ceil_mode=True, count_include_pad=False), one,
         kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
    case("AveragePool, padding counted", "AveragePool", lambda x: F.avg_pool2d(x, 3, 2, 1), one, kernel_shape=[3, 3],
         strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    case("MaxPool", "MaxPool", lambda x: F.max_pool2d(x, 2, 2, 1, 2, ceil_mode=True), one, kernel_shape=[2, 2],
         strides=[2, 2], pads=[1, 1, 1, 1], dilations=[2, 2], ceil_mode=1)
    case("LpPool", "LpPool", lambda x: F.lp_pool2d(x.abs(), 3, 2, 2), one, kernel_shape=[2, 2], strides=[2, 2], p=3)
    case("LRN", "LRN", lambda x: F.local_response_norm(x, 3, 0.2, 0.6, 1.5), r(1, 4, 2, 1), size=3, alpha=0.2, beta=0.6,
         bias=1.5)
    size = [(3, "int64", torch.tensor([1, 1, 7, 6]))]
    case("Resize linear", "Resize", lambda x: F.interpolate(x, (7, 6), mode="bilinear"), one, fixed=size, mode="linear")
    case("Resize cubic", "Resize", lambda x: F.interpolate(x, (7, 6), mode="bicubic"), one, fixed=size, mode="cubic")
    case("Resize nearest", "Resize", lambda x: F.interpolate(x, (7, 6), mode="nearest"), one, fixed=size,
         mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    pads = [(1, "int64", torch.tensor([0, 0, 1, 2, 0, 0, 2, 1]))]
    for mode, torch_mode in [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")]:
        case(f"Pad {mode}", "Pad", lambda x, m=torch_mode: F.pad(x, (2, 1, 1, 2), m), one, fixed=pads, mode=mode)
    for padding in ("zeros", "border", "reflection"):
        for mode, onnx_mode in [("bilinear", "linear"), ("bicubic", "cubic")]:
            for corners in (False, True):
                case(f"GridSample {onnx_mode} {padding} {corners}", "GridSample",
                     lambda x, g, m=mode, p=padding, c=corners: F.grid_sample(x, g, m, p, c), r(1, 1, 3, 4),
                     1.3 * r(1, 2, 2, 2), mode=onnx_mode, padding_mode=padding, align_corners=int(corners))


def normalizations():
    r = torch.randn
    x = r(2, 4, 3)
    mean, variance = r(3), r(3).abs() + 0.5
    case("BatchNormalization", "BatchNormalization", lambda x, w, b: F.batch_norm(x, mean, variance, w, b), r(2, 3, 2),
         r(3), r(3), fixed=[(3, "float", mean), (4, "float", variance)])
    case("LayerNormalization", "LayerNormalization", lambda x, w, b: F.layer_norm(x, (3,), w, b), r(2, 2, 3), r(3), r(3))
    case("RMSNormalization", "RMSNormalization", lambda x, w: F.rms_norm(x, (3,), w, 1e-5), r(2, 2, 3), r(3), opset=23)
    case("GroupNormalization", "GroupNormalization", lambda x, w, b: F.group_norm(x, 2, w, b), x, r(4), r(4), opset=21,
         num_groups=2)
    case("InstanceNormalization", "InstanceNormalization", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), x, r(4),
         r(4))
    case("LpNormalization", "LpNormalization", lambda x: F.normalize(x, dim=1), x, axis=1)
    case("Softmax", "Softmax", lambda x: F.softmax(x, 1), x, axis=1)
    case("LogSoftmax", "LogSoftmax", lambda x: F.log_softmax(x, 1), x, axis=1)
    for name, function in [("Gelu", F.gelu), ("Mish", F.mish), ("Softplus", F.softplus), ("Softsign", F.softsign)]:
        case(name, name, function, x)
    case("Gelu, tanh", "Gelu", lambda x: F.gelu(x, approximate="tanh"), x, approximate="tanh")


def sequences():
    r = torch.randn
    steps, batch, inputs, hidden = 3, 1, 2, 2

    def gates(w, order):
        parts = w.chunk(len(order))
        return torch.cat([parts[i] for i in order])

    # PyTorch has the gates in order i f g o and r z n; ONNX in i o f c and z r h: where PyTorch's are there.
    for op, module, order in [("LSTM", torch.lstm, [0, 2, 3, 1]), ("GRU", torch.gru, [1, 0, 2]), ("RNN", None, [0])]:
        n = len(order) * hidden

        def run(x, w, rec, b, op=op, module=module, order=order, n=n):
            weights = [gates(w[0], order), gates(rec[0], order), gates(b[0, :n], order), gates(b[0, n:], order)]
            state = torch.zeros(1, batch, hidden)
            settings = (True, 1, 0.0, False, False, False)
            if op == "LSTM":
                y = module(x, (state, state), weights, *settings)[0]
            elif op == "GRU":
                y = module(x, state, weights, *settings)[0]
            else:
                y = torch.rnn_tanh(x, state, weights, *settings)[0]
            return y.reshape(steps, 1, batch, hidden)

        extra = {"linear_before_reset": 1} if op == "GRU" else {}
        case(op, op, run, r(steps, batch, inputs), r(1, n, inputs), r(1, n, hidden), r(1, 2 * n), hidden_size=hidden,
             **extra)
    q, k, v = r(1, 2, 3, 2), r(1, 2, 3, 2), r(1, 2, 3, 2)
    case("Attention", "Attention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), q, k, v,
         opset=23, is_causal=1)


def others():
    r = torch.randn
    index = torch.tensor([[0, 2, 0], [1, 1, 2]])
    fixed = [(1, "int64", index)]
    case("ScatterElements add", "ScatterElements", lambda x, u: x.scatter_add(1, index, u), r(2, 3), r(2, 3),
         fixed=fixed, layout=[0, 2], axis=1, reduction="add")
    case("GatherElements", "GatherElements", lambda x: x.gather(1, index), r(2, 3), fixed=fixed, axis=1)
    case("CumSum", "CumSum", lambda x: x.cumsum(1), r(2, 3), fixed=[(1, "int64", torch.tensor(1))])
    case("ReduceLogSumExp", "ReduceLogSumExp", lambda x: x.logsumexp(1), r(2, 3), fixed=[(1, "int64", torch.tensor([1]))],
         keepdims=0)
    case("Einsum", "Einsum", lambda a, b: torch.einsum("bij,bkj->bik", a, b), r(2, 2, 3), r(2, 2, 3),
         equation="bij,bkj->bik")
    case("Einsum of a diagonal", "Einsum", lambda a: torch.einsum("bii->bi", a), r(2, 3, 3), equation="bii->bi")
    case("Det", "Det", torch.linalg.det, r(2, 3, 3))
    case("Col2Im", "Col2Im", lambda x: F.fold(x, (3, 4), (2, 2), stride=1), r(1, 4, 6),
         fixed=[(1, "int64", torch.tensor([3, 4])), (2, "int64", torch.tensor([2, 2]))])
    labels = torch.tensor([1, 0, 2])
    case("SoftmaxCrossEntropyLoss", "SoftmaxCrossEntropyLoss", lambda x: F.cross_entropy(x, labels), r(3, 4),
         fixed=[(1, "int64", labels)])
    case("DFT", "DFT", lambda x: torch.view_as_real(torch.fft.fft(x[..., 0], dim=1)), r(1, 5, 1))


kinks()
layers()
normalizations()
sequences()
others()
path = Path(__file__).with_name("torch-oracle.json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(f"{len(cases)} cases, {path.stat().st_size // 1024} kB")
