// PixelCNN++ checkpoints end to end: PyTorch's log-probabilities, batches, conditions, refusals.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concatRows, type NdArray, sliceRows, takeRows, tensor } from '@ood/core'
import { mixtureLogProb, openPixelCnn, type PixelCnn } from '@ood/models-autoregressive'
import { type Manifest, openCheckpoint } from '@ood/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batch, fixture, flat, json, type Nested } from './golden.ts'

interface Golden {
  x: Nested
  logProb: Nested
  condition?: Nested
}

const NAMES = ['tiny-gray', 'tiny-color', 'tiny-conditional'] as const
const golden = (name: string): Golden => json<Golden>(join(fixture(name), 'golden.json'))
const given = (name: string) => {
  const { x, condition } = golden(name)
  return { x: batch(x), options: condition === undefined ? {} : { condition: batch(condition) } }
}

const models: Partial<Record<string, PixelCnn>> = {}
const model = (name: string): PixelCnn => models[name]!
beforeAll(async () => {
  for (const name of NAMES) models[name] = await openPixelCnn(fixture(name), { workers: 0 })
})
afterAll(async () => {
  for (const opened of Object.values(models)) await opened?.release()
})

describe.each(NAMES)('%s', (name) => {
  it('agrees with PyTorch in float64 at every pixel', async () => {
    const { x, options } = given(name)
    const { instance, feature } = await model(name).logProb(x, options)
    const want = flat(golden(name).logProb)
    expect(feature.shape).toEqual([x.shape[0], ...x.shape.slice(2)])
    const size = want.length / instance.length
    for (let i = 0; i < want.length; i++) {
      // Parameters in float32: an error of 1e-6 in (x - mu) / sigma, which is as large as -log P in the tails.
      expect(Math.abs(feature.data[i]! - want[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(want[i]!)))
    }
    for (let row = 0; row < instance.length; row++) {
      const sum = want.slice(row * size, (row + 1) * size).reduce((a, b) => a + b, 0)
      expect(Math.abs(instance[row]! - sum)).toBeLessThan(1e-5 * Math.abs(sum))
    }
  })

  it('gives the same bits in any batch, alone, in another order', async () => {
    const first = given(name)
    // 17 rows: several blocks of the engine and a rest.
    const order = Array.from({ length: 17 }, (_, i) => (i * 3) % 5)
    const x = takeRows(first.x, order)
    const condition = first.options.condition
    const options = condition ? { condition: takeRows(condition, order) } : {}
    const whole = await model(name).logProb(x, options)
    for (const batchSize of [1, 2, 5, 8, 16, 64]) {
      expect(await model(name).logProb(x, { ...options, batchSize })).toEqual(whole)
    }
    const alone = await model(name).logProb(
      sliceRows(first.x, 3, 4),
      condition ? { condition: sliceRows(condition, 3, 4) } : {},
    )
    expect(alone.instance[0]).toBe(whole.instance[1])
  })

  it('gives bits per dimension and the parameters behind its numbers', async () => {
    const { x, options } = given(name)
    const opened = model(name)
    const { instance, feature } = await opened.logProb(x, options)
    const bits = await opened.bitsPerDim(x, options)
    const d = opened.dataShape.reduce((a, b) => a * b, 1)
    expect(bits[2]).toBeCloseTo(-instance[2]! / d / Math.log(2), 12)
    const params = await opened.params(x, { ...options, batchSize: 2 })
    const { low, high, channelDependence } = opened
    const again = mixtureLogProb(x, params, { low, high, channelDependence })
    expect(again.feature).toEqual(feature)
  })

  it('sees only earlier pixels', async () => {
    const { x, options } = given(name)
    const opened = model(name)
    const [, h, w] = opened.dataShape
    const before = (await opened.logProb(x, options)).feature.data
    for (const at of [0, w - 1, w, Math.floor((h * w) / 2), h * w - 1]) {
      const changed = takeRows(x, [0, 1, 2, 3, 4])
      const value = changed.get(0, 0, Math.floor(at / w), at % w)
      changed.set(0, 0, Math.floor(at / w), at % w, value === opened.high ? opened.low : opened.high)
      const after = (await opened.logProb(changed, options)).feature.data
      expect(after.slice(0, at)).toEqual(before.slice(0, at))
      expect(after[at]).not.toBe(before[at])
    }
  })

  it('takes no rows', async () => {
    const opened = model(name)
    const none = tensor(new Float32Array(0), [0, ...opened.dataShape])
    const condition = opened.conditionShape && tensor(new Float32Array(3), [1, ...opened.conditionShape])
    const { instance, feature } = await opened.logProb(none, condition ? { condition } : {})
    expect(instance.length).toBe(0)
    expect(feature.shape).toEqual([0, ...opened.dataShape.slice(1)])
  })
})

describe('a worker pool', () => {
  it('gives the same bits, reports progress and can be stopped', async () => {
    const pooled = await openPixelCnn(await openCheckpoint(fixture('tiny-gray')), { workers: 2 })
    const { x } = given('tiny-gray')
    const many = concatRows([x, x, x])
    const seen: number[] = []
    const got = await pooled.logProb(many, { batchSize: 4, onProgress: ({ done }) => seen.push(done) })
    expect(got).toEqual(await model('tiny-gray').logProb(many))
    expect(seen.at(-1)).toBe(15)
    expect(seen.length).toBe(4)
    const stop = new AbortController()
    const stopped = pooled.logProb(many, { batchSize: 1, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
    await pooled.release()
    await pooled.release()
  })

  it('in process leaves the event loop a turn before each batch', async () => {
    const { x } = given('tiny-gray')
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), 1)
    const many = takeRows(x, new Int32Array(4000))
    await expect(model('tiny-gray').logProb(many, { batchSize: 8, signal: stop.signal })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
    clearTimeout(timer)
  })

  it('with several threads an operator still does not depend on the batch', async () => {
    const threaded = await openPixelCnn(fixture('tiny-gray'), { workers: 0, threads: 2 })
    const { x } = given('tiny-gray')
    const whole = await threaded.logProb(x)
    expect(await threaded.logProb(x, { batchSize: 1 })).toEqual(whole)
    await threaded.release()
  })
})

describe('conditions', () => {
  const name = 'tiny-conditional'
  const { x, options } = given(name)
  const condition = options.condition!
  const row = (i: number): NdArray => sliceRows(condition, i, i + 1)

  it('change the log-probability', async () => {
    const a = await model(name).logProb(x, { condition: row(0) })
    const b = await model(name).logProb(x, { condition: row(1) })
    expect(a.instance[0]).not.toBe(b.instance[0])
  })

  it('are broadcast: one for all images, with or without a batch axis', async () => {
    const repeated = takeRows(condition, [2, 2, 2, 2, 2])
    const want = await model(name).logProb(x, { condition: repeated })
    expect(await model(name).logProb(x, { condition: row(2) })).toEqual(want)
    const bare = tensor(Float64Array.from(condition.data.subarray(6, 9)), [3])
    expect(await model(name).logProb(x, { condition: bare })).toEqual(want)
  })

  it('are broadcast: one image under every condition', async () => {
    const want = await model(name).logProb(takeRows(x, [1, 1, 1, 1, 1]), { condition })
    const got = await model(name).logProb(sliceRows(x, 1, 2), { condition })
    expect(got.instance.length).toBe(5)
    expect(got).toEqual(want)
    expect((await model(name).bitsPerDim(sliceRows(x, 1, 2), { condition })).length).toBe(5)
  })

  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'none',
      () => model(name).logProb(x),
      'E_ARGUMENT',
      'logProb condition: expected a tensor of shape [K, 3], got undefined',
    ],
    [
      'two for five images',
      () => model(name).logProb(x, { condition: sliceRows(condition, 0, 2) }),
      'E_SHAPE',
      'logProb condition: expected 1 or 5 rows, as many as images, got 2',
    ],
    [
      'another shape',
      () => model(name).params(x, { condition: tensor(new Float32Array(20), [5, 4]) }),
      'E_SHAPE',
      'params condition: expected shape [K, 3] or [3], got [5, 4]',
    ],
    [
      'NaN',
      () => model(name).logProb(x, { condition: tensor(Float32Array.of(0, Number.NaN, 0), [3]) }),
      'E_NOT_FINITE',
      'logProb condition: expected finite numbers, got NaN',
    ],
    [
      'one for a model without',
      () => model('tiny-gray').logProb(given('tiny-gray').x, { condition: row(0) }),
      'E_ARGUMENT',
      'logProb condition: expected none, the model has no such input, got [1, 3]',
    ],
  ])('refuses %s', async (_, call, code, message) => {
    await expect(call()).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})

describe('images that do not fit', () => {
  const { x } = given('tiny-gray')
  const spoiled = (value: number): NdArray => {
    const copy = takeRows(x, [0, 1, 2, 3, 4])
    copy.data[3 * 64 + 17] = value
    return copy
  }
  it.each<[string, () => NdArray, string, string]>([
    [
      'flat',
      () => tensor(new Float32Array(128), [2, 64]),
      'E_SHAPE',
      'logProb: expected shape [N, 1, 8, 8], got [2, 64]',
    ],
    [
      'channels last',
      () => tensor(new Float32Array(128), [2, 8, 8, 1]),
      'E_SHAPE',
      'logProb: expected shape [N, 1, 8, 8], got [2, 8, 8, 1]',
    ],
    [
      'scaled',
      () => spoiled(0.25),
      'E_ARGUMENT',
      'logProb: expected integers in [0, 255], got 0.25 in row 3 at position 17',
    ],
    [
      'negative',
      () => spoiled(-1),
      'E_ARGUMENT',
      'logProb: expected integers in [0, 255], got -1 in row 3 at position 17',
    ],
    [
      'too bright',
      () => spoiled(256),
      'E_ARGUMENT',
      'logProb: expected integers in [0, 255], got 256 in row 3 at position 17',
    ],
    [
      'NaN',
      () => spoiled(Number.NaN),
      'E_NOT_FINITE',
      'logProb: expected finite numbers, got NaN in row 3 at position 17',
    ],
    [
      'infinite',
      () => spoiled(Number.NEGATIVE_INFINITY),
      'E_NOT_FINITE',
      'logProb: expected finite numbers, got -Infinity in row 3',
    ],
  ])('are refused: %s', async (_, images, code, message) => {
    await expect(model('tiny-gray').logProb(images())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  it('options too', async () => {
    await expect(model('tiny-gray').logProb(x, { batchSize: 0 })).rejects.toThrow(
      'logProb batchSize: expected a positive integer, got 0',
    )
    await expect(openPixelCnn(fixture('tiny-gray'), { workers: -1 })).rejects.toThrow(
      'workers: expected 0 or a positive integer, got -1',
    )
    await expect(openPixelCnn(fixture('tiny-gray'), { threads: 0 })).rejects.toThrow(
      'threads: expected a positive integer, got 0',
    )
    await expect(openPixelCnn(fixture('tiny-gray'), { device: 'abacus' as 'cpu' })).rejects.toThrow(
      'device: expected one of cpu',
    )
  })
})

describe('folders that do not fit', () => {
  let folder: string
  let manifest: Manifest
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ood-pixelcnn-'))
    copyFileSync(join(fixture('tiny-color'), 'params.onnx'), join(folder, 'params.onnx'))
    manifest = (await openCheckpoint(fixture('tiny-color'))).manifest
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each<[string, object, string]>([
    [
      'no mixture',
      { mixture: undefined },
      'mixture: expected { name, components, low, high, channelDependence }, got undefined',
    ],
    [
      'components the graph lacks',
      { mixture: { name: 'logistic', components: 3, low: 0, high: 15, channelDependence: 'raw' } },
      'graphs.params.outputs.logits: expected shape [N, 3, 4, 6], got [N, 2, 4, 6]',
    ],
    [
      'another range',
      { data: { dataset: 'none', shape: [3, 4, 6], valueRange: [0, 255] } },
      'mixture low and high: expected data.valueRange [0,255], got [0, 15]',
    ],
    [
      'images of another size',
      { data: { dataset: 'none', shape: [3, 6, 4], valueRange: [0, 15] } },
      'graphs.params.inputs.x: expected [N, 3, 6, 4] as data.shape says, got [N, 3, 4, 6]',
    ],
    [
      'flat data',
      { data: { dataset: 'none', shape: [72], valueRange: [0, 15] } },
      'graphs.params.inputs.x: expected [N, 72] as data.shape says, got [N, 3, 4, 6]',
    ],
    [
      'a condition the graph lacks',
      { conditionShape: [2] },
      'graphs.params.inputs.condition: expected shape [N, 2], got undefined',
    ],
  ])('%s', async (_, changed, message) => {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...changed }))
    await expect(openPixelCnn(folder)).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: expect.stringContaining(message),
    })
  })

  it('another kind', async () => {
    await expect(openPixelCnn(fixture('tiny-lstm'))).rejects.toThrow('kind: expected autoregressive, got sequence')
  })

  it('a graph with a condition nobody described', async () => {
    const other = await openCheckpoint(fixture('tiny-conditional'))
    const { conditionShape: _, ...rest } = other.manifest
    await expect(openPixelCnn({ ...other, manifest: rest })).rejects.toThrow(
      'conditionShape: expected [3], got undefined',
    )
  })

  it('none', async () => {
    await expect(openPixelCnn(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'E_FILE',
      message: expect.stringContaining('expected a PixelCNN++ folder: manifest.json of kind autoregressive'),
    })
  })
})
