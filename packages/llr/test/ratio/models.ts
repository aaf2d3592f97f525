// Likelihood models that tests can write down: fixed numbers, independent Gaussians, next-symbol tables.
import {
  type CallOptions,
  flatData,
  forEachBatch,
  type LikelihoodModel,
  type LogProb,
  type NdArray,
  random,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'

/** A model that returns these log-probabilities whatever the rows, and counts its sweeps. */
export function fixedModel(instance: readonly number[], feature?: NdArray): LikelihoodModel & { sweeps: number } {
  const model = {
    sweeps: 0,
    async logProb(): Promise<LogProb> {
      model.sweeps++
      return { instance: Float64Array.from(instance), ...(feature ? { feature } : {}) }
    },
  }
  return model
}

/** Rows that hold their own number: anything will do for a fixed model. */
export function rows(n: number, size = 1): NdArray<Float64Array> {
  return tensor(
    Float64Array.from({ length: n * size }, (_, i) => Math.floor(i / size)),
    [n, size],
  )
}

/** Log-density of N(mean, sd²). */
export function gaussianLogDensity(x: number, mean: number, sd: number): number {
  return -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - 0.5 * Math.log(2 * Math.PI)
}

/**
 * Independent N(mean_d, sd_d²) with feature maps, computed in batches. With `noise` every row gets noise of that size
 * from the call's seed and the row's number, as dequantised flows do.
 */
export function gaussianModel(options: {
  mean: readonly number[]
  sd: readonly number[]
  noise?: number
  features?: boolean
}): LikelihoodModel & { seeds: (number | undefined)[]; batches: number } {
  const { mean, sd, noise = 0, features = true } = options
  const model = {
    seeds: [] as (number | undefined)[],
    batches: 0,
    async logProb(x: NdArray, call?: CallOptions): Promise<LogProb> {
      model.seeds.push(call?.seed)
      const [n, size] = [rowCount(x), rowSize(x)]
      const data = flatData(x)
      const feature = new Float64Array(n * size)
      const instance = new Float64Array(n)
      await forEachBatch('logProb', n, 64, call, (from, to) => {
        model.batches++
        for (let row = from; row < to; row++) {
          const rng = noise > 0 ? random(call?.seed ?? 0).fork(row) : undefined
          for (let d = 0; d < size; d++) {
            const value = data[row * size + d]! + (rng ? noise * rng.normal() : 0)
            feature[row * size + d] = gaussianLogDensity(value, mean[d]!, sd[d]!)
            instance[row]! += feature[row * size + d]!
          }
        }
      })
      return { instance, ...(features ? { feature: tensor(feature, x.shape) } : {}) }
    },
  }
  return model
}

/** Next-symbol model over [N, T] sequences from logits [N][T-1][V] given beforehand: feature [N, T-1]. */
export function tableModel(logits: readonly (readonly (readonly number[])[])[]): LikelihoodModel {
  return {
    async logProb(x) {
      const [n, t] = x.shape as [number, number]
      const feature = new Float64Array(n * (t - 1))
      const instance = new Float64Array(n)
      for (let row = 0; row < n; row++) {
        for (let step = 0; step < t - 1; step++) {
          const values = logits[row]![step]!
          const top = Math.max(...values)
          const norm = top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0))
          feature[row * (t - 1) + step] = values[x.get(row, step + 1)]! - norm
          instance[row]! += feature[row * (t - 1) + step]!
        }
      }
      return { instance, feature: tensor(feature, [n, t - 1]) }
    },
  }
}
