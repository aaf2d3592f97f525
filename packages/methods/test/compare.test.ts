// Measuring once, resuming, and comparing: on measurements that count their calls.
import { type NdArray, OodError, tensor } from '@ood/core'
import { type Measurement, type Method, measurement, vector } from '@ood/detect'
import { compare, createMeasurer } from '@ood/methods'
import { openRun } from '@ood/run'
import { expect, it } from 'vitest'
import { temporaryFolder } from './fixtures.ts'

const rows = (values: readonly number[]): NdArray => tensor(Float64Array.from(values), [values.length, 1])
const known = (hash: string) => ({ manifest: { name: 'm', sha256: { a: hash.repeat(64) } } })

/** The first number of every row, and how many rows were measured. */
function first(model: object = known('a')): Measurement & { measured: number } {
  const entry = measurement('first', [model], {}, ['value'], (x: NdArray, call) => {
    result.measured += x.shape[0]!
    expect(call?.rows?.length).toBe(x.shape[0])
    return { value: Float64Array.from({ length: x.shape[0]! }, (_, i) => x.get(i, 0)) }
  })
  const result = { ...entry, measured: 0 }
  return result
}

/** Distance from the mean of the training rows. */
function distance(entry: Measurement, extra: Partial<Method<number>> = {}): Method {
  return {
    name: 'Distance',
    source: 'a test',
    settings: {},
    needs: () => ({ row: entry }),
    fit(train) {
      const values = vector(train, 'row.value')
      return values.reduce((sum, value) => sum + value, 0) / values.length
    },
    score: (columns, mean) => vector(columns, 'row.value').map((value) => Math.abs(value - (mean as number))),
    parseFit: (value) => value as number,
    ...extra,
  } as Method
}

const train = rows([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
const inDistribution = rows([2.5, 4.5, 5.5, 7.5, 30])
const ood = { far: rows([40, 50, 60]), mixed: rows([5, 100]) }

it('measures a column of a set once, whatever asks, and keeps the time of it', async () => {
  const [a, b] = [first(), first()]
  const measurer = createMeasurer({ batchSize: 4 })
  expect(measurer.seconds({ row: a })).toBe(0)
  const found = await measurer.measure({ one: a, two: a }, 'train', train)
  expect(Object.keys(found).sort()).toEqual(['one.value', 'two.value'])
  // Another method's measurement of the same model, name and settings is the same measurement.
  await measurer.measure({ other: b }, 'train', train)
  expect([a.measured, b.measured]).toEqual([10, 0])
  await measurer.measure({ one: a }, 'in', inDistribution)
  expect(a.measured).toBe(15)
  expect(measurer.seconds({ one: a, two: b })).toBe(measurer.seconds({ one: a }))
  expect(measurer.seconds({ one: a })).toBeGreaterThan(0)
})

it('goes on from a run folder, but never with columns of a model that has no identity', async () => {
  const folder = temporaryFolder()
  const start = async (model: object, stopAfter = Number.POSITIVE_INFINITY) => {
    const entry = first(model)
    const run = openRun<unknown>({ folder: `${folder}/run`, config: {} })
    const controller = new AbortController()
    const onProgress = ({ done }: { done: number }) => done >= stopAfter && controller.abort()
    const measurer = createMeasurer({ store: run, batchSize: 2, signal: controller.signal, onProgress })
    try {
      const columns = await measurer.measure({ row: entry }, 'train', train)
      return {
        measured: entry.measured,
        values: [...vector(columns, 'row.value')],
        time: measurer.seconds({ row: entry }),
      }
    } catch (error) {
      return { measured: entry.measured, error }
    } finally {
      run.close()
    }
  }
  const stopped = await start(known('a'), 4)
  expect(stopped).toMatchObject({ measured: 4, error: { code: 'E_ABORTED' } })
  const rest = await start(known('a'))
  expect(rest).toMatchObject({ measured: 6, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] })
  expect((await start(known('a'))).measured).toBe(0)
  expect((await start(known('b'))).measured).toBe(10)
  expect([(await start({})).measured, (await start({})).measured]).toEqual([10, 10])
})

it('keeps sets apart whose names look alike in a file name', async () => {
  const run = openRun<unknown>({ folder: `${temporaryFolder()}/run`, config: {} })
  const measurer = createMeasurer({ store: run })
  const entry = first()
  const [a, b] = [
    await measurer.measure({ row: entry }, 'a b', rows([1])),
    await measurer.measure({ row: entry }, 'a/b', rows([2])),
  ]
  expect([vector(a, 'row.value')[0], vector(b, 'row.value')[0]]).toEqual([1, 2])
  run.close()
})

it('ranks by hand: AUROC, interval, FPR at 95 %, flagged shares', async () => {
  const { results, failures } = await compare({
    methods: { distance: distance(first()) },
    train,
    inDistribution,
    ood,
    falsePositiveRate: 0.1,
  })
  expect(failures).toEqual([])
  const [{ rows: found, scores, meanAuroc, falsePositiveRate }] = results as [(typeof results)[0]]
  // Scores of in: 3, 1, 0, 2, 24.5 and of far: 34.5 and more, of mixed: 0.5 and 94.5.
  expect([...scores.in!]).toEqual([3, 1, 0, 2, 24.5])
  expect(found.map(({ set, auroc }) => [set, auroc])).toEqual([
    ['far', 1],
    ['mixed', (5 + 1) / 10],
  ])
  expect(meanAuroc).toBeCloseTo(0.8, 12)
  const [far, mixed] = found
  expect(far).toMatchObject({ fprAt95: 0, aupr: 1, flagged: 1 })
  expect(mixed!.interval[0]).toBeLessThan(0.6)
  expect(mixed!.interval[1]).toBeGreaterThan(0.6)
  // One of ten training scores may lie above the threshold; 24.5 does.
  expect(falsePositiveRate).toBe(1 / 5)
})

it('reports a method that fails and goes on, but stops at a mistake of its own and when told to', async () => {
  const fails = distance(first(), {
    fit() {
      throw new OodError('E_ARGUMENT', 'scale: expected one, got none')
    },
  })
  const base = { train, inDistribution, ood }
  const { results, failures } = await compare({ ...base, methods: { fails, works: distance(first()) } })
  expect(results.map(({ method }) => method)).toEqual(['works'])
  expect(failures).toEqual([{ method: 'fails', error: 'scale: expected one, got none' }])
  const bug = distance(first(), {
    score() {
      throw new TypeError('a bug')
    },
  })
  await expect(compare({ ...base, methods: { bug } })).rejects.toThrow('a bug')
  const entry = measurement('m', [{}], {}, ['value'], () => {
    throw new OodError('E_ABORTED', 'stopped')
  })
  await expect(compare({ ...base, methods: { gone: distance(entry) } })).rejects.toMatchObject({ code: 'E_ABORTED' })
})

it('fits on training rows only: nothing else changes a score', async () => {
  const seen: number[][] = []
  const method = distance(first(), {
    fit(columns) {
      seen.push([...vector(columns, 'row.value')])
      return 5.5
    },
  })
  await compare({ methods: { method }, train, inDistribution, ood })
  expect(seen[0]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  // The fits behind the threshold each leave a fifth of the training rows out.
  expect(seen.slice(1).map((values) => values.length)).toEqual([8, 8, 8, 8, 8])
  expect(seen.flat().every((value) => Number.isInteger(value) && value <= 10)).toBe(true)
})

it.each([
  [{ methods: {} }, 'compare methods: expected at least one'],
  [{ ood: {} }, 'compare ood: expected at least one set'],
  [{ ood: { train } }, 'compare ood: expected a name other than train'],
  [{ ood: { in: train } }, 'compare ood: expected a name other than train and in'],
])('refuses %j', async (wrong, message) => {
  await expect(
    compare({ methods: { distance: distance(first()) }, train, inDistribution, ood, ...wrong }),
  ).rejects.toThrow(message)
})
