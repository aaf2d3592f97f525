// Probes: mean 0, variance 1, uncorrelated, and each a function of seed, row key and number alone.
import { expect, it } from 'vitest'
import { drawProbes } from '../../src/trace/probes.ts'

it.each(['rademacher', 'gaussian'] as const)('%s probes have mean 0 and variance 1', (kind) => {
  const v = drawProbes({ kind, seed: 1, keys: [0, 1] }, 2, 5000, 0, 2)
  const mean = v.reduce((sum, value) => sum + value, 0) / v.length
  const square = v.reduce((sum, value) => sum + value * value, 0) / v.length
  // Of 20 000 numbers: standard errors 0.007 and 0.01.
  expect(Math.abs(mean)).toBeLessThan(0.03)
  expect(Math.abs(square - 1)).toBeLessThan(0.05)
  if (kind === 'rademacher') expect(v.every((value) => Math.abs(value) === 1)).toBe(true)
  // Different rows and probes are uncorrelated.
  for (const other of [5000, 10_000]) {
    let dot = 0
    for (let j = 0; j < 5000; j++) dot += v[j]! * v[other + j]!
    expect(Math.abs(dot) / 5000).toBeLessThan(0.06)
  }
})

it('a chunk from the middle is the middle of the whole; rows without keys share', () => {
  const source = { kind: 'rademacher', seed: 1, keys: [7, 3] } as const
  const whole = drawProbes(source, 2, 30, 0, 4)
  expect(drawProbes(source, 2, 30, 1, 3)).toEqual(whole.slice(60, 180))
  const shared = drawProbes({ ...source, keys: undefined }, 2, 30, 0, 1)
  expect(shared.slice(0, 30)).toEqual(shared.slice(30))
})
