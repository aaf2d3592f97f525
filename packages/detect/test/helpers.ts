// Columns, measurements and golden values the tests share.
import { readFileSync } from 'node:fs'
import { type NdArray, tensor } from '@ood/core'
import { type Measurement, measurement, type Statistic } from '@ood/detect'

export const golden = JSON.parse(readFileSync(new URL('fixtures/golden.json', import.meta.url), 'utf8')) as {
  train: number[][]
  test: number[][]
  ledoitWolf: { shrinkage: number; distance: number[] }
  dose: number[]
  oneClass: number[]
  mixture: { weights: number[]; means: number[][]; covariances: number[][][]; points: number[][]; logDensity: number[] }
  pValues: { p: number[][]; fisher: number[]; cauchy: number[]; harmonic: number[] }
  chiSquaredTail: [number, number, number][]
}

/** Rows as a batch. */
export function batch(rows: readonly (readonly number[])[]): NdArray<Float64Array> {
  return tensor(Float64Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0])
}

/** A measurement that reads the mean of every row, and counts its calls. */
export function rowMeans(model: object = {}): Measurement & { calls: number } {
  const entry = measurement('mean', [model], {}, ['mean'], (x: NdArray) => {
    result.calls++
    const [n, d] = [x.shape[0]!, x.shape[1]!]
    return {
      mean: Float64Array.from({ length: n }, (_, i) => {
        let sum = 0
        for (let j = 0; j < d; j++) sum += x.get(i, j)
        return sum / d
      }),
    }
  })
  const result = { ...entry, calls: 0 }
  return result
}

/** Statistics that are the columns of `raw.x` [N, K], one each. */
export function coordinates(k: number): Statistic[] {
  return Array.from({ length: k }, (_, j) => ({
    name: `x${j}`,
    needs: {},
    values: (columns) => {
      const x = columns['raw.x'] as NdArray<Float64Array>
      return Float64Array.from({ length: x.shape[0]! }, (_, i) => x.get(i, j))
    },
  }))
}
