// The worst of several scores: standardised maxima, against the closed form for normal scores and by properties.
import { random } from '@ood/core'
import { detector, fitWorst, type Method, restoreDetector, vector, worst, worstOf } from '@ood/detect'
import { auroc } from '@ood/roc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const normals = (n: number, seed: number, mean = 0): Float64Array => {
  const draw = random(seed)
  return Float64Array.from({ length: n }, () => mean + draw.normal())
}

describe('worst', () => {
  it('is the larger z-score', () => {
    // Means 2 and 20, sample standard deviations 1 and 10.
    const fit = fitWorst([Float64Array.of(1, 2, 3), Float64Array.of(10, 20, 30)])
    expect(fit).toEqual([
      { mean: 2, standardDeviation: 1 },
      { mean: 20, standardDeviation: 10 },
    ])
    expect([...worst([Float64Array.of(4, 2, -9), Float64Array.of(20, 50, 10)], fit)]).toEqual([2, 3, -1])
  })

  it('follows the law of the maximum of two normal scores', () => {
    // P(max(a, b) <= 1) = Phi(1)^2 = 0.7079 for independent scores; 40,000 rows: 5 standard errors are 0.011.
    const n = 40_000
    const scores = [normals(n, 1, 5), normals(n, 2, -3)]
    const below = worst(scores, fitWorst(scores)).filter((value) => value <= 1).length / n
    expect(Math.abs(below - 0.841345 ** 2)).toBeLessThan(0.011)
  })

  it('finds what either score alone misses', () => {
    const train = [normals(2000, 3), normals(2000, 4)]
    const fit = fitWorst(train)
    const inside = [normals(500, 5), normals(500, 6)]
    const normal = worst(inside, fit)
    // Six standard deviations out in one score and six in the other direction in the other.
    for (const [a, b] of [
      [6, -6],
      [-6, 6],
    ] as const) {
      const outside = [normals(500, 7, a), normals(500, 8, b)]
      expect(auroc(worst(outside, fit), normal)).toBeGreaterThan(0.99)
      expect(Math.min(...outside.map((values, i) => auroc(values, inside[i]!)))).toBeLessThan(0.01)
    }
  })

  it('does not depend on shifts and scales of the scores, and grows with each', () => {
    const value = fc.double({ min: -1e3, max: 1e3, noNaN: true })
    const column = fc.array(value, { minLength: 8, maxLength: 8 }).filter((v) => Math.max(...v) - Math.min(...v) > 1)
    fc.assert(
      fc.property(column, column, fc.double({ min: 0.1, max: 10, noNaN: true }), value, (a, b, scale, shift) => {
        const plain = [Float64Array.from(a), Float64Array.from(b)]
        const moved = [plain[0]!.map((v) => scale * v + shift), plain[1]!]
        const score = worst(plain, fitWorst(plain))
        const other = worst(moved, fitWorst(moved))
        // Rounding: values up to 1e4 over a spread of at least 0.03.
        for (const [i, one] of score.entries()) expect(Math.abs(one - other[i]!)).toBeLessThan(1e-9)
        const raised = worst([plain[0]!.map((v) => v + 1), plain[1]!], fitWorst(plain))
        for (const [i, one] of score.entries()) expect(raised[i]!).toBeGreaterThanOrEqual(one)
      }),
    )
  })

  it('refuses what it cannot standardise', () => {
    const two = Float64Array.of(1, 2)
    const code = (call: () => unknown): unknown => {
      try {
        return call()
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code(() => fitWorst([]))).toBe('E_EMPTY')
    expect(code(() => fitWorst([Float64Array.of(1)]))).toBe('E_EMPTY')
    expect(code(() => fitWorst([two, Float64Array.of(1)]))).toBe('E_SHAPE')
    expect(code(() => fitWorst([two, Float64Array.of(3, 3)]))).toBe('E_ARGUMENT')
    expect(code(() => fitWorst([Float64Array.of(1, Number.NaN)]))).toBe('E_NOT_FINITE')
    expect(code(() => worst([two], fitWorst([two, two])))).toBe('E_SHAPE')
  })
})

describe('worstOf', () => {
  /** Minus a column as a score that learns nothing, or with `centre` its distance from the training mean. */
  const member = (column: string, centre = false): Method<{ mean: number } | null> => ({
    name: column,
    source: 'a test',
    settings: {},
    needs: () => ({}),
    fit: (train) => (centre ? { mean: vector(train, column).reduce((a, b) => a + b) / 4 } : null),
    score: (columns, fit) => vector(columns, column).map((value) => Math.abs(value - (fit?.mean ?? 0))),
    parseFit: (value) => value as { mean: number } | null,
  })
  const methods = [member('a'), member('b', true)]
  const columns = (a: number[], b: number[]) => ({
    columns: { '0.a': Float64Array.from(a), '1.b': Float64Array.from(b) },
  })
  const train = columns([1, 2, 3, 5], [0, 3, 1, 8])
  const test = columns([9, 1], [3, -40])

  it('is `worst` of the fitted members, and says which decided', async () => {
    const joint = detector(worstOf(methods))
    await joint.fit(train)
    const scores = ({ columns: given }: typeof train) => [given['0.a'], given['1.b'].map((v) => Math.abs(v - 3))]
    const spreads = fitWorst(scores(train))
    expect(await joint.score(test)).toEqual(worst(scores(test), spreads))
    const { parts, values } = await joint.explain(test)
    expect(parts).toEqual(['a', 'b'])
    expect([values.get(0, 0), values.get(1, 1)]).toEqual([...(await joint.score(test))])
    const again = restoreDetector(JSON.parse(JSON.stringify(joint)), worstOf(methods))
    expect(await again.score(test)).toEqual(await joint.score(test))
  })

  it('refuses no member, stored fits of others, and a member that does not vary', async () => {
    expect(() => worstOf([])).toThrow('WorstOf: expected at least one method, got none')
    const joint = detector(worstOf(methods))
    await expect(joint.fit(columns([1, 1, 1, 1], [0, 3, 1, 8]))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await joint.fit(train)
    const state = JSON.parse(JSON.stringify(joint))
    const broken = (fit: unknown) => () => restoreDetector({ ...state, fit }, worstOf(methods))
    expect(broken([state.fit[0]])).toThrow('detector state fit: expected 2 methods, got 1')
    expect(broken([{ ...state.fit[0], mean: 'x' }, state.fit[1]])).toThrow('detector state fit.0.mean')
    expect(broken([{ ...state.fit[0], standardDeviation: 0 }, state.fit[1]])).toThrow('fit.0.standardDeviation')
  })
})
