// Combinations: every rule fits, scores, explains, survives JSON, extremes and constants.
import { OodError, random } from '@ood/core'
import {
  type Columns,
  densityOfStates,
  detector,
  fisherOf,
  gaussianOf,
  type Method,
  mixtureOf,
  oneClassOf,
  pValuesOf,
  restoreDetector,
  subspaceMixtureOf,
  worstOf,
} from '@ood/detect'
import { describe, expect, it } from 'vitest'
import { batch, coordinates } from '../helpers.ts'

const rng = random(3)
/** Two clusters in the plane, a third number that repeats their sum, a fourth that never varies. */
function rows(n: number, shift = 0): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const side = i % 2 === 0 ? 6 : -6
    const [x, y] = [side + rng.normal() + shift, rng.normal()]
    return [x, y, x + y + 0.01 * rng.normal(), 784]
  })
}
const columns = (values: number[][]): Columns => ({ 'raw.x': batch(values) })
const train = columns(rows(200))
const inside = columns(rows(100))

const methods: readonly [string, Method<never>][] = [
  ['gaussian', gaussianOf(coordinates(4))],
  ['mixture', mixtureOf(coordinates(4), { components: 2 })],
  ['density of states', densityOfStates(coordinates(4))],
  ['one-class', oneClassOf(coordinates(4))],
  ...(['bonferroni', 'fisher', 'harmonic', 'cauchy'] as const).map(
    (rule) => [rule, pValuesOf(coordinates(4), { rule })] as [string, Method<never>],
  ),
  ['subspace mixture', subspaceMixtureOf({}, 'raw.x')],
  ['worst of', worstOf([gaussianOf(coordinates(3)), densityOfStates(coordinates(2))])],
  ['fisher of', fisherOf({ all: gaussianOf(coordinates(3)), two: densityOfStates(coordinates(2)) } as never)],
] as never

/** Methods over methods put a number before the names of their members' columns. */
function view(name: string, given: Columns): Columns {
  if (!/^(worst|fisher) of$/.test(name)) return given
  return Object.fromEntries([0, 1].map((k) => [`${k}.raw.x`, given['raw.x']!]))
}

describe.each(methods)('%s', (name, method) => {
  const fitted = async () => {
    const found = detector(method as Method)
    await found.fit({ columns: view(name, train) })
    await found.calibrate({ columns: view(name, inside) })
    return found
  }
  it('scores what breaks the law of the training rows above what follows it', async () => {
    const found = await fitted()
    const known = await found.score({ columns: view(name, inside) })
    const median = [...known].sort((a, b) => a - b)[50]!
    const [far, absurd] = await found.score({
      columns: view(
        name,
        columns([
          [40, 0, 40, 784],
          [-1e5, 1e300, 0, 784],
        ]),
      ),
    })
    expect(far).toBeGreaterThan(median)
    expect(absurd).toBeGreaterThan(median)
  })
  it('comes back from JSON to the last bit', async () => {
    const found = await fitted()
    const again = restoreDetector(JSON.parse(JSON.stringify(found)), method as Method)
    const x = { columns: view(name, columns(rows(20, 3))) }
    expect(await again.score(x)).toEqual(await found.score(x))
    expect((await again.predict(x)).data.pValue).toEqual((await found.predict(x)).data.pValue)
  })
  it('scores a row the same in any batch', async () => {
    const found = await fitted()
    const values = rows(9, 1)
    const whole = await found.score({ columns: view(name, columns(values)) })
    for (const [i, value] of values.entries())
      expect((await found.score({ columns: view(name, columns([value])) }))[0]).toBe(whole[i])
  })
  it('refuses NaN, naming the row, and no columns at all', async () => {
    const found = await fitted()
    const bad = columns([
      [6, 0, 6, 784],
      [6, Number.NaN, 6, 784],
    ])
    await expect(found.score({ columns: view(name, bad) })).rejects.toThrow(/NaN in row 1/)
    await expect(found.score({ columns: {} })).rejects.toThrow('at least one')
  })
  it('refuses training rows that are all the same, of any magnitude', async () => {
    for (const value of [5, 5.1, 1e12 + 0.1, 0.1 + 0.2]) {
      const same = columns(Array.from({ length: 30 }, () => [value, value, value, value]))
      await expect(detector(method as Method).fit({ columns: view(name, same) })).rejects.toThrow('vary')
    }
  })
  it('refuses a damaged fit by the name of its field', async () => {
    const state = JSON.parse(JSON.stringify(await fitted()))
    const damage = (value: unknown, path: (string | number)[], put: unknown): void => {
      let at = value as Record<string | number, unknown>
      for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
      at[path.at(-1)!] = put
    }
    const leaves = (value: unknown, path: (string | number)[] = []): (string | number)[][] =>
      typeof value === 'object' && value !== null
        ? [
            ...(path.length > 0 ? [path] : []),
            ...Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key])),
          ]
        : [path]
    for (const path of leaves(state.fit).slice(0, 60))
      for (const put of [null, 'x', -1, []]) {
        const broken = structuredClone(state)
        damage(broken.fit, path, put)
        try {
          restoreDetector(broken, method as Method)
        } catch (error) {
          expect(error, `${path.join('.')} = ${JSON.stringify(put)}`).toBeInstanceOf(OodError)
        }
      }
  })
  it('explains which part raised the alarm', async () => {
    if (!method.explain) return
    const found = await fitted()
    const { parts, values } = await found.explain({ columns: view(name, columns([[6, 9, 15, 784]])) })
    expect(values.shape).toEqual([1, parts.length])
    // The second number is unusual; the first alone is not.
    if (parts.length === 4) expect(values.get(0, 1)).toBeGreaterThan(values.get(0, 0))
  })
})

it('a mixture sees the gap between two kinds where one Gaussian does not', () => {
  const gap = columns([[0, 0, 0, 784]])
  const mixture = mixtureOf(coordinates(4), { components: 2 })
  const single = gaussianOf(coordinates(4))
  const share = (method: Method<never>): number => {
    const fit = method.fit(train)
    const at = method.score(gap, fit)[0]!
    return method.score(inside, fit).filter((value) => value >= at).length / 100
  }
  expect(share(mixture as Method<never>)).toBeLessThan(0.03)
  expect(share(single as Method<never>)).toBeGreaterThan(0.5)
})

it('conformal p-values of exchangeable rows keep their promise', () => {
  const method = pValuesOf(coordinates(3), { rule: 'bonferroni' })
  const p = method.score(columns(rows(2000)), method.fit(columns(rows(400)))).map((value) => Math.exp(-value))
  const share = p.filter((value) => value <= 0.1).length / p.length
  // Three standard errors of 2000 rows and of the 400 reference rows.
  expect(share).toBeLessThan(0.1 + 3 * Math.sqrt(0.09 / 400))
})

it('the same seed gives the same mixture, and training rows may be few', () => {
  const few = columns(rows(12))
  const method = mixtureOf(coordinates(4))
  expect(method.fit(few)).toEqual(method.fit(few))
})
