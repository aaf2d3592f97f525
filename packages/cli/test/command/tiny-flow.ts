// A flow small enough to write down, as a checkpoint folder: x_j = sigma_j sinh(z_j) on images 1 x 2 x 2.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeNpy } from '@ood/datasets'
import { constantTensor, graphBuilder, int, writeModel } from '@ood/onnx'
import { writeManifest } from '@ood/runtime'

export const sigma: readonly number[] = [3, 1, 0.3, 0.05]

/** log p(x) = log N(z) - sum_j log(sigma_j cosh z_j), with z_j = asinh(x_j / sigma_j). */
export function logProb(x: readonly number[]): number {
  return x.reduce((sum, value, j) => {
    const z = Math.asinh(value / sigma[j]!)
    return sum - 0.5 * z * z - 0.5 * Math.log(2 * Math.PI) - Math.log(sigma[j]! * Math.cosh(z))
  }, 0)
}

/** The decoder's Jacobian is diagonal: LID(s) counts sigma_j cosh z_j > e^s. */
export function lid(x: readonly number[], scale: number): number {
  return x.filter((value, j) => Math.log(sigma[j]! * Math.hypot(1, value / sigma[j]!)) > scale).length
}

/** Units of the raw data, and what is wrong with the graphs. */
export interface Units {
  /** A mistake of an export. */
  fault?: 'logdet sign' | 'other decoder' | 'batch statistics' | 'baked batch'
  valueRange?: [number, number]
  preprocessing?: { name: string }[]
}

/** Writes the checkpoint; `name` and `factor` make different models. */
export async function tinyFlow(folder: string, name = 'tiny', factor = 1, data: Units = {}): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const scales = constantTensor(
    'float32',
    [4],
    Float32Array.from(sigma, (value) => value * factor),
  )

  const decode = graphBuilder()
  const z = decode.input('z', 'float32', ['N', 4])
  const difference = decode.op('Sub', [decode.op('Exp', [z]), decode.op('Exp', [decode.op('Neg', [z])])])
  const half = decode.op('Mul', [difference, decode.scalar('float32', data.fault === 'other decoder' ? 0.6 : 0.5)])
  const flat = decode.op('Mul', [half, decode.constant('sigma', scales)])
  decode.output('x', decode.op('Reshape', [flat, decode.int64([-1, 1, 2, 2])]))

  const encode = graphBuilder()
  const x = encode.input('x', 'float32', ['N', 1, 2, 2])
  const flatRows = encode.op('Reshape', [x, encode.int64([data.fault === 'baked batch' ? 4 : -1, 4])])
  // What batch normalisation in training mode does: rows lose what they have in common.
  const rows =
    data.fault === 'batch statistics'
      ? encode.op('Sub', [flatRows, encode.op('ReduceMean', [flatRows, encode.int64([0])], { keepdims: int(1) })])
      : flatRows
  const u = encode.op('Div', [rows, encode.constant('sigma', scales)])
  const root = encode.op('Sqrt', [encode.op('Add', [encode.op('Mul', [u, u]), encode.scalar('float32', 1)])])
  encode.output('z', encode.op('Log', [encode.op('Add', [u, root])]))
  const stretch = encode.op('Log', [encode.op('Mul', [root, encode.constant('sigma2', scales)])])
  const ones = encode.constant(
    'ones',
    constantTensor('float32', [4], new Float32Array(4).fill(data.fault === 'logdet sign' ? 1 : -1)),
  )
  encode.output('logdet', encode.op('MatMul', [stretch, ones]))

  writeFileSync(join(folder, 'decode.onnx'), writeModel(decode.model()))
  writeFileSync(join(folder, 'encode.onnx'), writeModel(encode.model()))
  await writeManifest(folder, {
    name,
    kind: 'flow',
    graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
    data: { dataset: 'none', shape: [1, 2, 2], valueRange: data.valueRange ?? [-10, 10] },
    preprocessing: data.preprocessing ?? [],
    latentShape: [4],
    metrics: { bitsPerDim: { test: 2.5 } },
    training: { steps: 0 },
  })
  return folder
}

/** Writes rows of four pixels as a `.npy` of images [N, 2, 2]. */
export function writeImages(path: string, rows: readonly (readonly number[])[]): string {
  writeFileSync(path, encodeNpy({ data: Float64Array.from(rows.flat()), shape: [rows.length, 2, 2] }))
  return path
}
