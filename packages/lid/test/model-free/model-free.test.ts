// Local PCA and maximum likelihood dimensions: golden vectors, known spectra and manifolds, errors.
import { normals, random, tensor, uniforms } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  combineMle,
  type DimensionRule,
  globalDimension,
  lpca,
  lpcaDimension,
  lpcaGlobal,
  lpcaRule,
  mle,
  mleDimension,
  mleRule,
  modelFreeLid,
  pointwiseDimensions,
} from '../../src/index.ts'
import { covarianceSpectrum, explainedVariances } from '../../src/model-free/spectrum.ts'
import { vector } from '../vectors.ts'

interface Golden {
  X: number[][]
  explained_variance: number[]
  lpca_FO: Record<string, number>
  maxgap: number
  ratio_0p05: number
  ratio_0p95: number
  participation_ratio: number
  kaiser: number
  k: number
  knn_indices_first5: number[][]
  mle_pointwise: number[]
  mle_global_harmonic: number
  lpca_pointwise_alphaFO_0p05: number[]
  lpca_pointwise_alphaFO_0p001: number[]
  skdim_lpca_Fan: number
  skdim_lpca_broken_stick: number
}
const golden = vector<Golden>('model_free_lid')
const X = tensor(Float64Array.from(golden.X.flat()), [60, 5])

describe('model-free LID against the golden vector', () => {
  it('global lPCA, every version', () => {
    const of = (options: Parameters<typeof lpcaGlobal>[1]): number => lpcaGlobal(X, options)
    for (const [alpha, want] of Object.entries(golden.lpca_FO)) expect(of({ alphaFO: Number(alpha) })).toBe(want)
    expect(of({ version: 'maxgap' })).toBe(golden.maxgap)
    expect(of({ version: 'ratio' })).toBe(golden.ratio_0p05)
    expect(of({ version: 'ratio', alphaRatio: 0.95 })).toBe(golden.ratio_0p95)
    expect(of({ version: 'participation_ratio' })).toBeCloseTo(golden.participation_ratio, 10)
    expect(of({ version: 'Kaiser' })).toBe(golden.kaiser)
    const compat = { compat: 'reference' } as const
    expect(of({ version: 'Fan', ...compat })).toBe(golden.skdim_lpca_Fan)
    expect(of({ version: 'broken_stick', ...compat })).toBe(golden.skdim_lpca_broken_stick)
    // Corrected: the data are a 2-d square plus noise of 1 %.
    expect(of({ version: 'Fan' })).toBe(2)
    expect(of({ version: 'broken_stick' })).toBe(2)
  })

  it('the spectrum behind them', () => {
    const points = Float64Array.from(golden.X.flat())
    const whole = { count: 60, ambient: 5, points, distances: new Float64Array(0) }
    explainedVariances(covarianceSpectrum(whole)).forEach((value, i) => {
      expect(value).toBeCloseTo(golden.explained_variance[i]!, 14)
    })
    expect(lpcaDimension(golden.explained_variance, { alphaFO: 0.05 })).toBe(golden.lpca_FO['0.05'])
  })

  it('pointwise lPCA, self excluded', async () => {
    const k = golden.k
    const loose = await lpca(X, { neighbours: k })
    expect([...loose.lid]).toEqual(golden.lpca_pointwise_alphaFO_0p05)
    const strict = await lpca(X, { neighbours: k, alphaFO: 0.001 })
    expect([...strict.lid]).toEqual(golden.lpca_pointwise_alphaFO_0p001)
  })

  it('pointwise and harmonic maximum likelihood', async () => {
    const { lid } = await mle(X, { neighbours: golden.k })
    lid.forEach((value, i) => {
      expect(value).toBeCloseTo(golden.mle_pointwise[i]!, 9)
    })
    expect(combineMle(lid)).toBeCloseTo(golden.mle_global_harmonic, 9)
  })

  it('neighbours of the first points', async () => {
    const seen: number[] = []
    const rows = golden.X.map((row) => row.join())
    const spy: DimensionRule = {
      name: 'spy',
      dimension({ points, count, ambient }) {
        for (let i = 0; i < count; i++)
          seen.push(rows.indexOf([...points.subarray(i * ambient, (i + 1) * ambient)].join()))
        return 0
      },
    }
    await pointwiseDimensions(X, spy, { neighbours: golden.k, queries: [0, 1, 2, 3, 4] })
    expect(seen).toEqual(golden.knn_indices_first5.flat())
  })
})

/** n points uniform in a random m-dimensional cube inside R^d. */
function flat(seed: number, n: number, m: number, d: number): ReturnType<typeof tensor> {
  const rng = random(seed)
  const basis = normals(rng, m * d)
  const u = uniforms(rng, n * m)
  const out = new Float64Array(n * d)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < d; j++) for (let l = 0; l < m; l++) out[i * d + j]! += u[i * m + l]! * basis[l * d + j]!
  return tensor(out, [n, d])
}

describe('local PCA', () => {
  it('recovers the dimension of flat data, also with fewer neighbours than ambient dimensions', async () => {
    for (const [m, d, k] of [
      [1, 3, 10],
      [3, 10, 20],
      [5, 40, 20],
    ] as const) {
      const x = flat(m, 200, m, d)
      // Exactly flat: eigenvalues beyond m are rounding, 1e-16 of the first.
      const { lid, mean, standardError } = await lpca(x, { neighbours: k, alphaFO: 1e-10 })
      expect(new Set(lid)).toEqual(new Set([m]))
      expect([mean, standardError]).toEqual([m, 0])
      expect(lpcaGlobal(x, { alphaFO: 1e-10 })).toBe(m)
    }
  })

  it('estimates at seeded queries with neighbours from the whole set', async () => {
    const x = flat(9, 120, 2, 4)
    const all = await lpca(x, { neighbours: 12, version: 'participation_ratio' })
    const some = await lpca(x, { neighbours: 12, version: 'participation_ratio', queries: 10, seed: 5 })
    expect(some.points.length).toBe(10)
    some.points.forEach((row, i) => {
      expect(some.lid[i]).toBeCloseTo(all.lid[row]!, 12)
    })
    const again = await lpca(x, { neighbours: 12, version: 'participation_ratio', queries: 10, seed: 5 })
    expect(again).toEqual(some)
    const other = await lpca(x, { neighbours: 12, version: 'participation_ratio', queries: 10, seed: 6 })
    expect(other.points).not.toEqual(some.points)
    const deviation = Math.sqrt(some.lid.reduce((s, v) => s + (v - some.mean) ** 2, 0) / 9)
    expect(some.standardError).toBeCloseTo(deviation / Math.sqrt(10), 12)
  })

  it('a subsample is a smaller data set whose points keep their row numbers', async () => {
    const x = flat(10, 100, 2, 3)
    const { points, lid } = await lpca(x, { neighbours: 8, subsample: 30, seed: 1 })
    expect(points.length).toBe(30)
    expect(new Set(points).size).toBe(30)
    const chosen = await lpca(x, { neighbours: 8, subsample: 30, seed: 1, queries: [points[7]!] })
    expect([chosen.points[0], chosen.lid[0]]).toEqual([points[7], lid[7]])
  })

  it('counts as the eigenvalues do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 3, max: 12 }), (seed, n) => {
        const x = tensor(normals(random(seed), n * 6), [n, 6])
        const share = (alphaFO: number): number => lpcaGlobal(x, { alphaFO })
        let last = Number.POSITIVE_INFINITY
        for (const alpha of [1e-9, 0.01, 0.1, 0.5, 0.999]) {
          expect(share(alpha)).toBeLessThanOrEqual(last)
          last = share(alpha)
        }
        expect(share(1e-9)).toBe(Math.min(n - 1, 6))
        expect(last).toBe(1)
      }),
      { numRuns: 30 },
    )
  })

  it('a point mass has dimension 0 by every version', () => {
    const x = tensor(new Float64Array(12).fill(3), [4, 3])
    for (const version of ['FO', 'maxgap', 'ratio', 'participation_ratio', 'Kaiser', 'broken_stick', 'Fan'] as const)
      expect(lpcaGlobal(x, { version })).toBe(0)
  })

  it('rules follow their definitions on spectra by hand', () => {
    const values = [4, 3, 1, 0.001]
    expect(lpcaDimension(values)).toBe(3)
    expect(lpcaDimension(values, { alphaFO: 0.25 })).toBe(2) // strict: 1 > 0.25 * 4 is false
    expect(lpcaDimension(values, { version: 'maxgap' })).toBe(3)
    expect(lpcaDimension(values, { version: 'ratio', alphaRatio: 0.9 })).toBe(3)
    expect(lpcaDimension(values, { version: 'Kaiser' })).toBe(2)
    expect(lpcaDimension([1, 1, 1], { version: 'participation_ratio' })).toBeCloseTo(3, 12)
    // Shares 0.8, 0.2 against sticks 0.75, 0.25.
    expect(lpcaDimension([4, 1], { version: 'broken_stick' })).toBe(1)
    expect(lpcaDimension([4, 1], { version: 'broken_stick', compat: 'reference' })).toBe(2)
    expect(lpcaDimension([5], { version: 'maxgap' })).toBe(1)
  })

  it('refuses bad settings and data', async () => {
    const x = flat(1, 10, 1, 2)
    await expect(lpca(x, { neighbours: 10 })).rejects.toThrow('neighbours: expected fewer than the 10 points, got 10')
    await expect(lpca(x, { neighbours: 0 })).rejects.toThrow('neighbours: expected an integer of at least 1, got 0')
    await expect(lpca(x, { neighbours: 2, queries: 11 })).rejects.toThrow('lid queries: expected at most the 10 rows')
    await expect(lpca(x, { neighbours: 2, queries: [] })).rejects.toThrow('expected rows, got none')
    await expect(lpca(x, { neighbours: 2, queries: [10] })).rejects.toThrow('expected row numbers of the data, got 10')
    expect(() => lpcaRule({ alphaFO: 1 })).toThrow('lPCA alphaFO: expected a number in (0, 1), got 1')
    expect(() => lpcaRule({ version: 'fo' as 'FO' })).toThrow('lPCA version: expected one of FO, maxgap')
    expect(() => lpcaDimension([1, 2])).toThrow('expected descending non-negative numbers, got 2')
    expect(() => lpcaGlobal(tensor(new Float64Array(0), [0, 3]))).toThrow(
      'globalDimension: expected at least one point',
    )
    const bad = tensor(Float64Array.of(1, Number.NaN, 2), [3, 1])
    await expect(lpca(bad, { neighbours: 1 })).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
  })
})

describe('maximum likelihood', () => {
  it('is (k - 1) / Σ log(R_k / R_j), or (k - 2) when unbiased', () => {
    expect(mleDimension([1, 2, 4])).toBeCloseTo(2 / Math.log(8), 12)
    expect(mleDimension([1, 2, 4], { unbiased: true })).toBeCloseTo(1 / Math.log(8), 12)
    expect(mleDimension([0, 1, 2, 4])).toBeCloseTo(2 / Math.log(8), 12)
    expect(mleDimension([3, 3])).toBe(Number.POSITIVE_INFINITY)
  })

  it('is within 10 % of the dimension of a dense flat sample', async () => {
    // Unbiased estimates of m have relative variance 1/(k - 3) each; the mean of 100 is within 3 %, plus edge effects.
    for (const m of [1, 2]) {
      const { lid } = await mle(flat(m + 20, 2000, m, 5), { neighbours: 20, unbiased: true, queries: 100 })
      expect(Math.abs(combineMle(lid, 'mean') / m - 1)).toBeLessThan(0.1)
    }
  })

  it('combines by harmonic mean, mean or median', () => {
    expect(combineMle([1, 2, 4])).toBeCloseTo(3 / 1.75, 12)
    expect(combineMle([1, 2, 4], 'mean')).toBeCloseTo(7 / 3, 12)
    expect(combineMle([4, 1, 2, 8], 'median')).toBe(3)
    expect(combineMle([4, 1, 2], 'median')).toBe(2)
    expect(() => combineMle([])).toThrow('combineMle: expected at least one dimension')
  })

  it('refuses duplicates only, and whole sets', () => {
    expect(() => mleDimension([0, 0, 1])).toThrow('mleDimension: expected at least 2 positive distances, got 1')
    expect(() => globalDimension(flat(1, 5, 1, 2), mleRule())).toThrow('MLE: expected neighbour distances')
  })
})

describe('modelFreeLid', () => {
  it('gives a query the dimension of the nearest training point, at every scale', async () => {
    const a = flat(31, 60, 1, 3)
    const b = flat(32, 60, 2, 3)
    const train = tensor(Float64Array.from([...a.data, ...b.data.map((value) => value + 100)]), [120, 3])
    const estimator = modelFreeLid(lpcaRule({ alphaFO: 1e-8 }), { neighbours: 10 })
    await expect(estimator.prepare(train)).rejects.toThrow('lPCA FO: expected fit before prepare')
    await estimator.fit(train)
    const artifact = await estimator.prepare(tensor(Float64Array.of(0, 0, 0, 101, 101, 101), [2, 3]))
    expect([...estimator.lid(artifact, -3)]).toEqual([1, 2])
    expect([...estimator.lid(artifact, 8)]).toEqual([1, 2])
  })

  it('keeps a point out of its own neighbourhood when it has duplicates', async () => {
    const x = tensor(Float64Array.of(0, 0, 0, 0, 5, 9), [6, 1])
    const distances: number[][] = []
    const spy: DimensionRule = { name: 'spy', dimension: (n) => distances.push([...n.distances]) }
    await pointwiseDimensions(x, spy, { neighbours: 2, queries: [3, 4] })
    expect(distances).toEqual([
      [0, 0],
      [4, 5],
    ])
  })
})
