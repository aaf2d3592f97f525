// The measurer and the comparison: every measurement once, the same numbers with and without a store, training rows apart.
import { type NdArray, tensor } from '@ood/core'
import { type Columns, type Method, measurement, vector } from '@ood/detect'
import { expect, it } from 'vitest'
import { type ColumnStore, compare, createMeasurer } from '../../src/index.ts'

const rows = (values: readonly number[]): NdArray => tensor(Float64Array.from(values), [values.length, 1])

/** A method whose score is the distance from the training mean; `seen` collects what is measured. */
function distance(seen: number[][]): Method<{ mean: number }> {
  const needs = {
    row: measurement('value', [{ manifest: { name: 'm', sha256: { a: '0'.repeat(64) } } }], {}, ['value'], (x) => {
      const value = Float64Array.from({ length: x.shape[0]! }, (_, i) => x.get(i, 0))
      seen.push([...value])
      return { value }
    }),
  }
  return {
    name: 'Distance',
    source: 'test',
    settings: {},
    needs: () => needs,
    fit: (train: Columns) => {
      const value = vector(train, 'row.value')
      return { mean: value.reduce((sum, v) => sum + v, 0) / value.length }
    },
    score: (columns, { mean }) => vector(columns, 'row.value').map((value) => Math.abs(value - mean)),
    parseFit: (value) => value as { mean: number },
  }
}

/** A store that keeps columns in memory, batch by batch. */
function memory(): ColumnStore & { computed: number } {
  const kept = new Map<string, Record<string, NdArray<Float64Array>>>()
  return {
    computed: 0,
    async batches(name, total, _size, compute) {
      if (!kept.has(name)) {
        this.computed++
        kept.set(name, await compute(0, total))
      }
      return kept.get(name)!
    },
  }
}

const sets = { train: rows([1, 2, 3]), inDistribution: rows([1.5, 2.5, 2]), ood: { far: rows([9, 8, 7, 2]) } }

it('two methods with the same needs measure each set once, in batches', async () => {
  const seen: number[][] = []
  const { results, failures } = await compare({
    methods: { one: distance(seen), two: distance(seen) },
    ...sets,
    batchSize: 2,
  })
  expect(failures).toEqual([])
  expect(seen).toEqual([[1, 2], [3], [1.5, 2.5], [2], [9, 8], [7, 2]])
  expect(results.map(({ method, meanAuroc }) => [method, meanAuroc])).toEqual([
    // 9, 8 and 7 are further from the mean 2 than 1.5, 2.5 and 2; the image at 2 ties with one of them.
    ['one', (3 + (0.5 + 0 + 0) / 3) / 4],
    ['two', (3 + (0.5 + 0 + 0) / 3) / 4],
  ])
  expect(results[0]!.scores).toEqual({ in: Float64Array.of(0.5, 0.5, 0), far: Float64Array.of(7, 6, 5, 0) })
})

it('a store changes no number, and what it has is not measured again', async () => {
  const store = memory()
  const without = await compare({ methods: { one: distance([]) }, ...sets })
  const first = await compare({ methods: { one: distance([]) }, ...sets, store })
  const again = await compare({ methods: { one: distance([]) }, ...sets, store })
  expect(first.results[0]!.rows).toEqual(without.results[0]!.rows)
  expect(again.results[0]!.scores).toEqual(without.results[0]!.scores)
  expect(store.computed).toBe(3)
})

it('a method that fails is reported with its reason, and the others go through', async () => {
  const broken = { ...distance([]), score: () => vector({}, 'row.gone') }
  const { results, failures } = await compare({ methods: { broken, fine: distance([]) }, ...sets })
  expect(results.map(({ method }) => method)).toEqual(['fine'])
  expect(failures).toEqual([{ method: 'broken', error: expect.stringContaining('row.gone') }])
})

it('no methods, no sets, and sets of reserved names are errors', async () => {
  await expect(compare({ methods: {}, ...sets })).rejects.toThrow('compare methods: expected at least one')
  await expect(compare({ methods: { a: distance([]) }, ...sets, ood: {} })).rejects.toThrow('at least one set')
  await expect(compare({ methods: { a: distance([]) }, ...sets, ood: { in: rows([1]) } })).rejects.toThrow(
    'a name other than train and in',
  )
})

it('seconds count distinct measurements once', async () => {
  const measurer = createMeasurer()
  const { row } = distance([]).needs() as { row: ReturnType<Method['needs']>[string] }
  expect(measurer.seconds({ a: row })).toBe(0)
  await measurer.measure({ a: row, b: row }, 'train', sets.train)
  expect(measurer.seconds({ a: row, b: row })).toBe(measurer.seconds({ a: row }))
  expect(measurer.seconds({ a: row })).toBeGreaterThan(0)
})
