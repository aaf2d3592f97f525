// Losses of training graphs and the discrete Fourier transform.
import { attribute, int, ints } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import { tensorOf } from '../tensors.ts'
import {
  type Lowered,
  type Lowering,
  type LoweringTable,
  numbersOf,
  shapeOf,
  size,
  unsupported,
} from './lowering-rule.ts'

/** Minus the log-probabilities of the targets, weighted by class, ignored ones left out. */
function likelihood(l: Lowered, logs: string): string {
  const { g, p, x, node } = l
  const [, target, weights] = x as [string, string, string?]
  const labels = g.info(target).type
  const ignored = attribute(node, 'ignore_index', 'int', undefined)
  const skip = ignored === undefined ? undefined : g.op('Equal', [target, g.scalar(labels, ignored)])
  const safe = skip ? g.op('Where', [skip, g.scalar(labels, 0), target]) : target
  const picked = g.op('GatherElements', [logs, g.op('Unsqueeze', [safe, g.int64([1])])], { axis: int(1) })
  const loss = p.un('Neg', g.op('Squeeze', [picked, g.int64([1])]))
  const one = g.op('Expand', [g.scalar(l.type, 1), g.op('Shape', [target])])
  const byClass = weights ? g.op('Gather', [weights, safe], { axis: int(0) }) : one
  const weight = skip ? p.where(skip, 0, byClass) : byClass
  const weighted = weights || skip ? p.mul(loss, weight) : loss
  const reduction = attribute(node, 'reduction', 'string', 'mean')
  if (reduction === 'none') return weighted
  const total = (value: string): string => g.op('ReduceSum', [value], { keepdims: int(0) })
  return reduction === 'sum' ? total(weighted) : p.div(total(weighted), total(weight))
}

const crossEntropy: Lowering = (l) => {
  const logs = l.g.op('LogSoftmax', [l.x[0]!], { axis: int(1) })
  return [likelihood(l, logs), logs]
}

/** A Fourier transform as one product with cosines and sines; the last axis holds real and imaginary parts. */
const dft: Lowering = (l) => {
  const { g, x, node } = l
  const shape = shapeOf(l, x[0]!)
  const rank = shape.length
  const given = g.opset < 20 ? attribute(node, 'axis', 'int', 1) : x[2] ? numbersOf(l, 2, 'axis')[0]! : -2
  const axis = positiveAxis(given, rank)
  const parts = size(l, shape[rank - 1], 'last axis')
  const own = size(l, shape[axis], 'signal length')
  const inverse = attribute(node, 'inverse', 'int', 0) === 1
  const half = attribute(node, 'onesided', 'int', 0) === 1
  const real = half && inverse
  const length = x[1] ? numbersOf(l, 1, 'length')[0]! : real ? 2 * (own - 1) : own
  const used = Math.min(own, real ? Math.floor(length / 2) + 1 : length)
  const frequencies = half && !inverse ? Math.floor(length / 2) + 1 : length
  const matrix = real ? halfInverse(l, used, length) : fourier(l, used, parts, frequencies, length, inverse)
  // The transformed axis goes next to the last, and both become one.
  const perm = [...shape.keys()].filter((a) => a !== axis && a !== rank - 1).concat(axis, rank - 1)
  const cut = used < own ? g.op('Slice', [x[0]!, g.int64([0]), g.int64([used]), g.int64([axis])]) : x[0]!
  const moved = g.op('Transpose', [cut], { perm: ints(perm) })
  const rest = g.op('Slice', [g.op('Shape', [moved]), g.int64([0]), g.int64([rank - 2])])
  const to = (sizes: readonly number[]): string => g.op('Concat', [rest, g.int64(sizes)], { axis: int(0) })
  const product = g.op('MatMul', [g.op('Reshape', [moved, to([used * parts])]), matrix])
  const spectrum = g.op('Reshape', [product, to([frequencies, real ? 1 : 2])])
  return [g.op('Transpose', [spectrum], { perm: ints(perm.map((_, a) => perm.indexOf(a))) })]
}

/** Rows (sample, part), columns (frequency, part) of the real form of exp(-+ 2 pi i j k / length). */
function fourier(l: Lowered, n: number, parts: number, m: number, length: number, inverse: boolean): string {
  const values = new Array<number>(n * parts * m * 2).fill(0)
  const scale = inverse ? 1 / length : 1
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < m; k++) {
      const angle = ((inverse ? 2 : -2) * Math.PI * ((j * k) % length)) / length
      const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)]
      const at = (part: number): number => ((j * parts + part) * m + k) * 2
      values[at(0)] = cos
      values[at(0) + 1] = sin
      if (parts === 2) {
        values[at(1)] = -sin
        values[at(1) + 1] = cos
      }
    }
  }
  return l.g.constant('fourier', tensorOf(l.type, [n * parts, m * 2], values))
}

/** Rows (frequency, part), columns samples: a real signal from one half of its spectrum, the other being its mirror. */
function halfInverse(l: Lowered, n: number, length: number): string {
  const values = new Array<number>(n * 2 * length).fill(0)
  for (let k = 0; k < n; k++) {
    const times = k === 0 || 2 * k === length ? 1 : 2
    for (let j = 0; j < length; j++) {
      const angle = (2 * Math.PI * ((j * k) % length)) / length
      values[2 * k * length + j] = (times * Math.cos(angle)) / length
      values[(2 * k + 1) * length + j] = (-times * Math.sin(angle)) / length
    }
  }
  return l.g.constant('fourier', tensorOf(l.type, [n * 2, length], values))
}

/** Overlapping frames of a signal, each times the window, and the Fourier transform of each. */
const stft: Lowering = (l) => {
  const { g, p, x, node } = l
  const signal = x[0]!
  const shape = shapeOf(l, signal)
  const samples = size(l, shape[1], 'signal length')
  const step = numbersOf(l, 1, 'frame step')[0]!
  const window = x[2] ? shapeOf(l, x[2])[0] : undefined
  const length = x[3] ? numbersOf(l, 3, 'frame length')[0]! : size(l, window, 'frame length')
  const count = Math.floor((samples - length) / step) + 1
  if (step < 1 || count < 1) throw unsupported(l, 'at least one frame')
  const places = Array.from({ length: count * length }, (_, i) => Math.floor(i / length) * step + (i % length))
  const frames = g.op('Gather', [signal, g.constant('frames', tensorOf('int64', [count, length], places))], {
    axis: int(1),
  })
  // [batch, frames, samples, parts]; a signal of two axes is real.
  const parts = shape.length === 2 ? g.op('Unsqueeze', [frames, g.int64([-1])]) : frames
  const weighted = x[2] ? p.mul(parts, g.op('Unsqueeze', [x[2], g.int64([-1])])) : parts
  const onesided = int(attribute(node, 'onesided', 'int', 1))
  if (g.opset >= 20) return [g.op('DFT', [weighted, '', g.scalar('int64', 2)], { onesided })]
  return [g.op('DFT', [weighted], { onesided, axis: int(2) })]
}

export const signalLowerings: LoweringTable = {
  STFT: stft,
  NegativeLogLikelihoodLoss: (l) => [likelihood(l, l.x[0]!)],
  SoftmaxCrossEntropyLoss: crossEntropy,
  DFT: dft,
}
