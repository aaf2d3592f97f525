// The detector: measuring once, fitting on training rows only, thresholds, predictions, stored form, refusals.
import { readFileSync } from 'node:fs'
import { type NdArray, tensor } from '@ood/core'
import {
  type Columns,
  detector,
  isStorable,
  type Method,
  measureNeeds,
  modelKey,
  parseStored,
  restoreDetector,
  vector,
} from '@ood/detect'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../src/internal/version.ts'
import { batch, rowMeans } from './helpers.ts'

interface Centre {
  centre: number
}

/** Distance of a row's mean from the mean of the training rows. */
function distance(mean = rowMeans()): Method<Centre> & { seen: Columns[] } {
  const seen: Columns[] = []
  return {
    name: 'Distance',
    source: 'a test',
    settings: { power: 1 },
    seen,
    needs: () => ({ row: mean }),
    fit(train) {
      seen.push(train)
      const values = vector(train, 'row.mean')
      return { centre: values.reduce((sum, value) => sum + value, 0) / values.length }
    },
    score: (columns, { centre }) => vector(columns, 'row.mean').map((value) => Math.abs(value - centre)),
    featureScore: (columns) => tensor(vector(columns, 'row.mean').slice(), [vector(columns, 'row.mean').length, 1]),
    parseFit(value) {
      const { centre } = value as Centre
      if (!Number.isFinite(centre)) throw new Error('centre')
      return { centre }
    },
  }
}

const rows = (values: readonly number[]): NdArray => batch(values.map((value) => [value, value]))
const train = rows([1, 2, 3, 4, 5])

it('fits on training rows only, scores rows or columns alike', async () => {
  const method = distance()
  const found = detector(method)
  await found.fit(train)
  expect(method.seen.length).toBe(1)
  expect([...vector(method.seen[0]!, 'row.mean')]).toEqual([1, 2, 3, 4, 5])
  const x = rows([3, 9])
  expect([...(await found.score(x))]).toEqual([0, 6])
  expect(await found.score({ columns: await found.measure(x) })).toEqual(await found.score(x))
})

it('p-values count in training scores first, then in those of the threshold, then in those of calibrate', async () => {
  const found = detector(distance())
  await found.fit(train)
  expect(found.toJSON().referenceOf).toBe('training')
  expect((await found.predict(rows([3]))).data.pValue![0]).toBe(1)
  await found.inferThreshold(rows([0, 1, 2, 3]), 0.25)
  expect(found.toJSON().referenceOf).toBe('threshold')
  expect([...found.calibration!.scores]).toEqual([0, 1, 2, 3])
  await found.calibrate(rows([3, 3]))
  await found.inferThreshold(rows([0, 1, 2, 3]), 0.25)
  expect([...found.calibration!.scores]).toEqual([0, 0])
  expect(found.threshold).toBe(3)
  const { data } = await found.predict(rows([6, 7]))
  expect([...data.isOutlier!]).toEqual([0, 1])
})

it('a percentile never becomes the reference, since its rows may hold outliers', async () => {
  const found = detector(distance())
  await found.fit(train)
  expect(await found.inferThreshold(rows([0, 1, 2, 3]), { percentile: 50 })).toBe(1.5)
  expect(found.toJSON().referenceOf).toBe('training')
})

it('cuts feature scores when asked', async () => {
  const found = detector(distance())
  await found.fit(train)
  await found.inferThreshold(rows([1, 2]), { percentile: 100, outlierType: 'feature' })
  const { data } = await found.predict(rows([1, 3]))
  expect([...data.isOutlier!]).toEqual([0, 1])
  await expect(found.predict(rows([1]), { outlierType: 'instance' })).rejects.toThrow('feature')
})

it('comes back from JSON, and only as the same method with the same settings', async () => {
  const found = detector(distance(), { dataType: 'image' })
  await found.fit(train)
  await found.inferThreshold(train, 0.2)
  const text = JSON.stringify(found)
  const again = restoreDetector(JSON.parse(text), distance())
  expect(JSON.stringify(again)).toBe(text)
  expect(await again.score(rows([7, -3]))).toEqual(await found.score(rows([7, -3])))
  expect(() => restoreDetector(JSON.parse(text), { ...distance(), name: 'Other' })).toThrow('method.name')
  expect(() => restoreDetector(JSON.parse(text), { ...distance(), settings: { power: 2 } })).toThrow('settings')
})

describe('a stored form that was tampered with', () => {
  const state = { ...detector(distance()).toJSON(), fit: { centre: 1 } }
  it.each([
    ['format', 'x'],
    ['schemaVersion', 1],
    ['version', 3],
    ['method', null],
    ['reference', 'AAAA'],
    ['reference', '%'],
    ['referenceOf', 'training'],
    ['threshold', '3'],
    ['outlierType', 'row'],
    ['dataType', 4],
    ['data', {}],
    ['fit', undefined],
  ])('is refused by name: %s', (field, value) => {
    const broken = JSON.parse(JSON.stringify({ ...state, [field]: value }))
    expect(() => parseStored(broken)).toThrow(`detector state ${field}`)
  })
  it('is refused when nested too deeply for any check or writer', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const text = JSON.stringify({ ...state, fit: 'deep' }).replace('"deep"', deep)
    expect(() => parseStored(JSON.parse(text))).toThrow('detector state: expected JSON of at most 100 levels')
    expect(() => restoreDetector(JSON.parse(text), distance())).toThrow('at most 100 levels')
  })
})

it('refuses other data once it knows its own', async () => {
  const found = detector(distance())
  await found.fit(train)
  await expect(found.score(batch([[1, 2, 3]]))).rejects.toThrow('shape')
  await expect(found.score(rows([0.5]))).rejects.toThrow('whole numbers')
  await expect(found.score(rows([1000]))).rejects.toThrow('[1,5]')
  await expect(detector(distance()).score(train)).rejects.toMatchObject({ code: 'E_NOT_FITTED' })
  await expect(found.fit(batch([]))).rejects.toThrow()
  const fixed = detector({ ...distance(), initial: { centre: 0 } }, { data: { valueRange: [0, 255] } })
  await expect(fixed.score(rows([300]))).rejects.toThrow('[0,255]')
  expect([...(await fixed.score(rows([30])))]).toEqual([30])
})

it('measures what several parts need once, under every prefix', async () => {
  const mean = rowMeans()
  const known = new Map<string, Columns>()
  const columns = await measureNeeds({ a: mean, b: mean }, train, {}, known)
  expect(mean.calls).toBe(1)
  expect(columns['a.mean']).toBe(columns['b.mean'])
  await measureNeeds({ c: mean }, train, {}, known)
  expect(mean.calls).toBe(1)
})

it('names models by their files where they have any', () => {
  const files = { manifest: { name: 'flow', sha256: { 'encode.onnx': 'ab'.repeat(32) } } }
  expect(modelKey(files)).toBe('flow@abababababababab')
  expect(isStorable(modelKey(files))).toBe(true)
  expect(isStorable(`${modelKey({})}/mean`)).toBe(false)
  const model = {}
  expect(modelKey(model)).toBe(modelKey(model))
})

it('carries the version of its package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(VERSION).toBe(version)
})
