// Thresholds on training rows: honest for a density of many statistics.
import { random } from '@ood/core'
import { type Columns, gaussianOf, heldOutScores, type Method, type Statistic, vector } from '@ood/detect'
import { expect, it } from 'vitest'

const WIDTH = 30
/** Random walks: strongly correlated numbers, whose covariance is hardly shrunk. */
const draw = (rows: number, seed: number): Columns => {
  const rng = random(seed)
  const columns = Array.from({ length: WIDTH }, () => new Float64Array(rows))
  for (let row = 0; row < rows; row++) {
    let at = 0
    for (const column of columns) {
      at += rng.normal()
      column[row] = at
    }
  }
  return Object.fromEntries(columns.map((column, k) => [`x.${k}`, column]))
}
const statistics: Statistic[] = Array.from({ length: WIDTH }, (_, k) => ({
  name: `x${k}`,
  needs: {},
  values: (columns) => vector(columns, `x.${k}`),
}))
const share = (scores: Float64Array, cut: number): number => scores.filter((s) => s > cut).length / scores.length
const cut = (scores: Float64Array): number => scores.slice().sort()[Math.floor(0.95 * scores.length)]!

it('keep the rate of a threshold on few rows of many statistics, which scores of the own fit do not', () => {
  const method = gaussianOf(statistics) as Method
  const [train, fresh] = [draw(60, 1), draw(2000, 2)]
  const fit = method.fit(train)
  const scores = method.score(fresh, fit)
  // 60 rows, so the 95 % quantile itself is uncertain by 3 points each way; a fit of 4/5 of the rows errs upwards.
  expect(share(scores, cut(heldOutScores(method, train, fit)))).toBeLessThan(0.12)
  expect(share(scores, cut(method.score(train, fit)))).toBeGreaterThan(0.12)
})

it('are the scores of the one fit where nothing is learnt or the rows are too few', () => {
  const train = draw(9, 3)
  const method = gaussianOf(statistics) as Method
  const fit = method.fit(train)
  expect(heldOutScores(method, train, fit)).toEqual(method.score(train, fit))
  const fixed = { ...method, initial: fit }
  const more = draw(40, 4)
  expect(heldOutScores(fixed, more, fit)).toEqual(method.score(more, fit))
})
