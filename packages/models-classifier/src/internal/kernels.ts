// A classifier's graph as functions on flat rows, and its reverse-mode derivative.
import { once } from '@ood/core'
import { readModel, vjp, writeModel } from '@ood/onnx'
import { feedNumbers, openSession, type TensorValue, takeFloats, toFloat32 } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'

/** Logits and features of some rows, flat. */
export interface Outputs {
  logits: Float32Array
  features: Float32Array
}

/** The computations behind a classifier. */
export interface Kernels {
  evaluate(x: Float32Array, rows: number): Promise<Outputs>
  /** Gradients by x for K cotangents of logits [K, rows, classes] and features [K, rows, dimension]. */
  vjp(
    x: Float32Array,
    ofLogits: Float32Array,
    ofFeatures: Float32Array,
    rows: number,
    k: number,
  ): Promise<Outputs & { gradient: Float32Array }>
  release(): Promise<void>
}

/** Opens sessions as they are first needed, each with one thread. */
export function openKernels(setup: KernelSetup): Kernels {
  const { name, device, input, logits, features, classes, dimension, modelShape, fixedBatch } = setup
  const size = modelShape.reduce((product, n) => product * n, 1)
  const forward = once(() => openSession(setup.graph, { device, threads: 1, name }))
  const backward = once(() => {
    // Features that are the input itself need no derivative.
    const of = features === input ? [logits] : [logits, features]
    const model = vjp(readModel(setup.graph), { wrt: [input], of })
    return openSession(writeModel(model), { device, threads: 1, name: `${name} derivative` })
  })

  /** Rows in the number that the graph takes: the last one again and again. */
  const padded = (data: Float32Array, blocks: number, rows: number, each: number): Float32Array => {
    if (fixedBatch === 0 || rows === fixedBatch) return data
    const out = new Float32Array(blocks * fixedBatch * each)
    for (let k = 0; k < blocks; k++)
      for (let row = 0; row < fixedBatch; row++) {
        const from = (k * rows + Math.min(row, rows - 1)) * each
        out.set(data.subarray(from, from + each), (k * fixedBatch + row) * each)
      }
    return out
  }
  const taken = (value: TensorValue | undefined, blocks: number, rows: number, each: number): Float32Array => {
    const all = fixedBatch === 0 ? rows : fixedBatch
    const data = toFloat32(takeFloats(name, value, blocks * all * each))
    if (all === rows) return data
    const out = new Float32Array(blocks * rows * each)
    for (let k = 0; k < blocks; k++) out.set(data.subarray(k * all * each, (k * all + rows) * each), k * rows * each)
    return out
  }
  const batch = (rows: number): number => (fixedBatch === 0 ? rows : fixedBatch)

  return {
    async evaluate(x, rows) {
      const session = await forward.get()
      const feeds = { [input]: feedNumbers(session, input, padded(x, 1, rows, size), [batch(rows), ...modelShape]) }
      const out = await session.run(feeds)
      return {
        logits: taken(out[logits], 1, rows, classes),
        features: features === input ? x.slice() : taken(out[features], 1, rows, dimension),
      }
    },
    async vjp(x, ofLogits, ofFeatures, rows, k) {
      const session = await backward.get()
      const n = batch(rows)
      const feed = (
        to: string,
        data: Float32Array,
        blocks: readonly number[],
        each: readonly number[],
      ): TensorValue => {
        const one = each.reduce((product, m) => product * m, 1)
        const count = blocks.reduce((product, m) => product * m, 1)
        return feedNumbers(session, to, padded(data, count, rows, one), [...blocks, n, ...each])
      }
      const out = await session.run({
        [input]: feed(input, x, [], modelShape),
        [`${logits}_cotangent`]: feed(`${logits}_cotangent`, ofLogits, [k], [classes]),
        ...(features === input
          ? {}
          : { [`${features}_cotangent`]: feed(`${features}_cotangent`, ofFeatures, [k], [dimension]) }),
      })
      const gradient = taken(out[`${input}_cotangent`], k, rows, size)
      if (features === input) for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! + ofFeatures[i]!
      return {
        logits: taken(out[logits], 1, rows, classes),
        features: features === input ? x.slice() : taken(out[features], 1, rows, dimension),
        gradient,
      }
    },
    async release() {
      await forward.release()
      await backward.release()
    },
  }
}
