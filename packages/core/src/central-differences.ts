// Derivatives by central differences, for maps that nothing differentiates: a fallback that a user asks for by name.

import { mismatch } from './errors.ts'
import type { Differentiable, LikelihoodModel } from './interfaces.ts'
import type { LogDensity } from './log-density.ts'
import { assertOptions } from './options.ts'
import { type CallOptions, forEachBatch } from './progress.ts'
import { assertRows, flatData, type NdArray, rowCount, sliceRows, tensor } from './tensor.ts'

/** How far the two points of a difference lie apart. */
export interface DifferenceOptions {
  /**
   * Half the distance h, along a direction scaled so that its largest entry is 1. Default 1e-2, which suits float32
   * networks: the error h² f'''/6 of the formula and the error eps |f| / h of rounding are then alike.
   */
  step?: number | undefined
}

/** The map alone, without derivatives. */
export type ValueMap = Pick<Differentiable, 'inputShape' | 'outputShape' | 'evaluate'>

/** (row, direction) pairs evaluated together. */
const MOST_PAIRS = 64

/**
 * A `Differentiable` of a map that only has values: J v = (f(x + h v) - f(x - h v)) / 2h, at 2 evaluations a direction.
 *
 * Nothing in this library falls back on it by itself. On the float32 score network of the tests its relative error is
 * 2e-5 at the default step, 3e-4 at 1e-1 and 1e-4 at 1e-3: enough for traces and dimensions, not for checks of other
 * derivatives. Where a map has kinks, a step across one is wrong by the size of the kink.
 *
 * @param f - the map
 * @throws OodError `E_ARGUMENT` for a step that is no positive number; from `jvp` `E_SHAPE`
 * @example
 * const slow = { ...flow, decoder: centralDifferences(flow.decoder) } // decoder without jacobian: LID by differences
 * const lid = thresholdLid(slow)
 */
export function centralDifferences(f: ValueMap, options: DifferenceOptions = {}): Differentiable {
  const h = stepOf('centralDifferences', options)
  const { inputShape, outputShape } = f
  const outputs = size(outputShape)
  return {
    inputShape,
    outputShape,
    evaluate: (x, call) => f.evaluate(x, call),
    async jvp(x: NdArray, v: NdArray, call?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }> {
      assertRows('jvp', x, inputShape)
      const n = rowCount(x)
      const k = v.shape[0] ?? 0
      if (v.shape.join() !== [k, ...x.shape].join())
        throw mismatch('E_SHAPE', 'jvp tangents', `shape [K, ${x.shape.join(', ')}]`, `[${v.shape.join(', ')}]`)
      const { batchSize: _, onProgress: __, ...inner } = call ?? {}
      const value = await f.evaluate(x, inner)
      const tangent = new Float64Array(k * n * outputs)
      const d = size(inputShape)
      const points = flatData(x)
      const directions = flatData(v)
      await forEachBatch('jvp', k * n, MOST_PAIRS, { ...inner }, async (from, to) => {
        const scales = new Float64Array(to - from)
        const both = new Float64Array(2 * (to - from) * d)
        for (let i = from; i < to; i++) {
          const at = i * d
          let largest = 0
          for (let j = 0; j < d; j++) largest = Math.max(largest, Math.abs(directions[at + j]!))
          const scale = largest > 0 ? h / largest : 0
          scales[i - from] = scale
          const here = (i % n) * d
          for (let j = 0; j < d; j++) {
            const move = scale * directions[at + j]!
            both[2 * (i - from) * d + j] = points[here + j]! + move
            both[(2 * (i - from) + 1) * d + j] = points[here + j]! - move
          }
        }
        const ends = flatData(await f.evaluate(tensor(both, [2 * (to - from), ...inputShape]), inner))
        for (let i = from; i < to; i++) {
          const scale = scales[i - from]!
          if (scale === 0) continue
          const up = 2 * (i - from) * outputs
          for (let o = 0; o < outputs; o++)
            tangent[i * outputs + o] = (ends[up + o]! - ends[up + outputs + o]!) / (2 * scale)
        }
      })
      return { value, tangent: tensor(tangent, [k, n, ...outputShape]) }
    },
  }
}

/**
 * A `LogDensity` of a model that only has log p: gradients by central differences at 2 D evaluations a row, products of
 * the Hessian by differences of gradients at 4 D a direction. For few dimensions and for tests of other derivatives.
 * A model with gradients of its own keeps them, and a product costs two: for graphs whose second derivative is too long.
 *
 * @param model - log p of real rows, or a `LogDensity`
 * @param dataShape - shape of one row
 * @throws OodError `E_ARGUMENT` for a step that is no positive number
 * @example
 * const density = differenceDensity(model, [2], { step: 1e-4 }) // float64 log p allows small steps
 */
export function differenceDensity(
  model: LikelihoodModel & { gradient?: LogDensity['gradient'] },
  dataShape: readonly number[],
  options: DifferenceOptions = {},
): LogDensity {
  const h = stepOf('differenceDensity', options)
  const d = size(dataShape)
  const scalar = centralDifferences(
    {
      inputShape: dataShape,
      outputShape: [],
      async evaluate(x, call) {
        const { instance } = await model.logProb(x, call)
        return tensor(instance, [instance.length])
      },
    },
    { step: h },
  )
  async function gradient(x: NdArray, call?: CallOptions): Promise<{ logProb: Float64Array; gradient: NdArray }> {
    if (model.gradient) return model.gradient(x, call)
    assertRows('gradient', x, dataShape)
    const n = rowCount(x)
    const logProb = new Float64Array(n)
    const out = new Float64Array(n * d)
    await forEachBatch('gradient', n, Math.max(1, Math.floor(MOST_PAIRS / d)), call, async (from, to) => {
      const m = to - from
      const units = new Float64Array(d * m * d)
      for (let j = 0; j < d; j++) for (let i = 0; i < m; i++) units[(j * m + i) * d + j] = 1
      const { value, tangent } = await scalar.jvp(sliceRows(x, from, to), tensor(units, [d, m, ...dataShape]), {
        signal: call?.signal,
      })
      logProb.set(flatData(value), from)
      const columns = flatData(tangent)
      for (let j = 0; j < d; j++) for (let i = 0; i < m; i++) out[(from + i) * d + j] = columns[j * m + i]!
    })
    return { logProb, gradient: tensor(out, [n, ...dataShape]) }
  }
  const gradients = centralDifferences(
    { inputShape: dataShape, outputShape: dataShape, evaluate: async (x, call) => (await gradient(x, call)).gradient },
    { step: h },
  )
  return {
    dataShape,
    logProb: (x, call) => model.logProb(x, call),
    gradient,
    hessianProduct: async (x, v, call) => (await gradients.jvp(x, v, call)).tangent,
  }
}

function stepOf(what: string, options: DifferenceOptions): number {
  assertOptions(what, options, ['step'])
  const { step = 1e-2 } = options
  if (!(step > 0 && Number.isFinite(step))) throw mismatch('E_ARGUMENT', `${what} step`, 'a positive number', step)
  return step
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}
