// Sequence models: golden vector, PyTorch's LSTM, batches, callbacks, refusals.
import { join } from 'node:path'
import { concatRows, flatData, type NdArray, sliceRows, takeRows, tensor } from '@ood/core'
import {
  categoricalLogProb,
  openSequenceModel,
  type SequenceModel,
  type SequenceOptions,
} from '@ood/models-autoregressive'
import { type Checkpoint, openCheckpoint } from '@ood/runtime'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { batch, fixture, flat, gap, json, type Nested } from './golden.ts'

describe('categoricalLogProb', () => {
  it('agrees with the golden vector', () => {
    const v = vector<Record<string, Nested>>('llr-flows-ncis/llr_sequential')
    for (const side of ['semantic', 'background']) {
      const got = categoricalLogProb(batch(v.target!), batch(v[`${side}_logits`]!))
      // The same float64 operations in another order.
      expect(gap(got.data, flat(v[`expected_logp_${side}_per_step`]!))).toBeLessThan(1e-14)
    }
  })

  it('is a distribution, whatever is added to the logits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        (logits, added) => {
          const v = logits.length
          const targets = tensor(
            Float64Array.from({ length: v }, (_, i) => i),
            [v, 1],
          )
          const rows = (by: number) =>
            tensor(
              Float64Array.from({ length: v * v }, (_, i) => logits[i % v]! + by),
              [v, 1, v],
            )
          const logs = categoricalLogProb(targets, rows(0)).data
          expect(Math.abs(logs.reduce((sum, log) => sum + Math.exp(log), 0) - 1)).toBeLessThan(1e-12)
          // The addition itself rounds at 1e6.
          expect(gap(categoricalLogProb(targets, rows(added)).data, logs)).toBeLessThan(1e-9)
        },
      ),
    )
  })

  it('refuses what does not fit', () => {
    const logits = tensor(new Float32Array(12), [2, 2, 3])
    const targets = (...data: number[]) => tensor(Float32Array.from(data), [data.length / 2, 2])
    expect(() => categoricalLogProb(targets(0, 1, 2, 3), logits)).toThrow(
      'categoricalLogProb targets: expected integers in [0, 2], got 3 in row 1 at position 1',
    )
    expect(() => categoricalLogProb(targets(0, 1), logits)).toThrow(
      'categoricalLogProb targets: expected 2 rows, got 1',
    )
    expect(() => categoricalLogProb(targets(0, 1), tensor(new Float32Array(4), [2, 2]))).toThrow(
      'expected shape [N, T, V], got [2, 2]',
    )
  })
})

describe('openSequenceModel', () => {
  const golden = json<{ tokens: Nested; logProb: Nested }>(join(fixture('tiny-lstm'), 'golden.json'))
  const x = batch(golden.tokens)
  const want = flat(golden.logProb)
  const opened: SequenceModel[] = []
  const open = async (options: SequenceOptions = {}, source: string | Checkpoint = fixture('tiny-lstm')) => {
    const model = await openSequenceModel(source, { workers: 0, ...options })
    opened.push(model)
    return model
  }
  let model: SequenceModel
  beforeAll(async () => {
    model = await open()
  })
  afterAll(async () => {
    for (const each of opened) await each.release()
  })

  it('agrees with PyTorch in float64 at every step', async () => {
    const { instance, feature } = await model.logProb(x)
    expect(feature.shape).toEqual([7, 11])
    // A float32 LSTM of 24 units over 11 steps.
    expect(gap(feature.data, want)).toBeLessThan(1e-5)
    for (let row = 0; row < 7; row++) {
      const sum = feature.data.slice(row * 11, (row + 1) * 11).reduce((a, b) => a + b, 0)
      expect(instance[row]).toBe(sum)
    }
  })

  it('takes means where asked', async () => {
    const sums = await model.logProb(x)
    const means = await (await open({ instance: 'mean' })).logProb(x)
    expect(means.feature).toEqual(sums.feature)
    expect(means.instance).toEqual(sums.instance.map((sum) => sum / 11))
  })

  it.each([{ workers: 0 }, { workers: 1 }, { workers: 0, threads: 2 }])(
    'gives the same bits in any batch, alone, in another order: %o',
    async (options) => {
      const own = await open(options)
      const many = concatRows([x, x, takeRows(x, [6, 5, 4, 3, 2, 1])])
      const whole = await own.logProb(many)
      for (const batchSize of [1, 3, 16, 64]) expect(await own.logProb(many, { batchSize })).toEqual(whole)
      const alone = await own.logProb(sliceRows(x, 5, 6))
      for (const row of [5, 12, 15]) expect(whole.instance[row]).toBe(alone.instance[0])
    },
  )

  it('sees only earlier tokens', async () => {
    const changed = takeRows(x, [0, 1, 2, 3, 4, 5, 6])
    changed.set(2, 6, (changed.get(2, 6) + 1) % 5)
    const before = (await model.logProb(x)).feature.data
    const after = (await model.logProb(changed)).feature.data
    const start = 2 * 11
    expect(after.slice(0, start + 5)).toEqual(before.slice(0, start + 5))
    expect(after[start + 5]).not.toBe(before[start + 5])
    expect(after.slice(start + 11)).toEqual(before.slice(start + 11))
  })

  it('calls back with targets and logits', async () => {
    const shapes: string[] = []
    const score = (targets: NdArray, logits: NdArray<Float32Array>): NdArray => {
      shapes.push(`${targets.shape} ${logits.shape}`)
      return categoricalLogProb(targets, logits)
    }
    const own = await open({ logProb: score })
    expect(await own.logProb(x, { batchSize: 4 })).toEqual(await model.logProb(x))
    expect(shapes).toEqual(['4,11 4,11,5', '3,11 3,11,5'])
    const logits = await model.logits(x)
    expect(logits.shape).toEqual([7, 11, 5])
    const targets = tensor(Float64Array.from(x.data.filter((_, i) => i % 12 > 0)), [7, 11])
    expect(categoricalLogProb(targets, logits)).toEqual((await model.logProb(x)).feature)
  })

  it('takes features of any shape from a callback, and refuses rows that are lost or not finite', async () => {
    const top = await open({ logProb: (_, logits) => tensor(flatData(logits).map(Math.abs), logits.shape) })
    expect((await top.logProb(x, { batchSize: 3 })).feature.shape).toEqual([7, 11, 5])
    const lossy = await open({ logProb: () => tensor(new Float32Array(2), [1, 2]) })
    await expect(lossy.logProb(x)).rejects.toThrow('logProb callback: expected shape [7, 2], got [1, 2]')
    const broken = await open({ logProb: (t) => tensor(new Float32Array(t.data.length).fill(Number.NaN), t.shape) })
    await expect(broken.logProb(x)).rejects.toThrow('logProb callback: expected finite numbers, got NaN in row 0')
  })

  it('takes sequences of any length where the graph does, and no rows', async () => {
    const short = tensor(Float32Array.of(0, 4, 1, 2), [2, 2])
    expect((await model.logProb(short)).feature.shape).toEqual([2, 1])
    const none = await model.logProb(tensor(new Float32Array(0), [0, 12]))
    expect(none.instance.length).toBe(0)
    expect(none.feature.shape).toEqual([0, 11])
  })

  it('feeds a graph of fixed length what it asks for', async () => {
    const whole = await openCheckpoint(fixture('tiny-lstm'))
    const graphs = structuredClone(whole.manifest.graphs)
    graphs.logits!.inputs.tokens = ['N', 12]
    const fixed = await open({}, { ...whole, manifest: { ...whole.manifest, graphs } })
    const want = await model.logProb(x)
    // Fed all 12 tokens, or the first 12 of 13: the network sees the same.
    expect(gap((await fixed.logProb(x)).feature.data, want.feature.data)).toBeLessThan(1e-6)
    const longer = tensor(new Float32Array(13), [1, 13])
    expect((await fixed.logProb(longer)).feature.shape).toEqual([1, 12])
    await expect(fixed.logProb(tensor(new Float32Array(11), [1, 11]))).rejects.toThrow(
      'logProb: expected shape [N, T] with T = 12 or 13, got [1, 11]',
    )
  })

  it('refuses tokens beyond the vocabulary', async () => {
    const changed = takeRows(x, [0, 1])
    changed.set(1, 3, 5)
    await expect(model.logProb(changed)).rejects.toMatchObject({
      code: 'E_ARGUMENT',
      message: 'logProb: expected integers in [0, 4], got 5 in row 1 at position 3',
    })
  })

  it('refuses what does not fit', async () => {
    const one = (value: number) => tensor(Float64Array.of(0, value, 1), [1, 3])
    await expect(model.logProb(one(1.5))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(model.logProb(one(-1))).rejects.toThrow(
      'logProb: expected integers in [0, 4], got -1 in row 0 at position 1',
    )
    await expect(model.logits(one(Number.NaN))).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
    await expect(model.logProb(tensor(new Float32Array(3), [3, 1]))).rejects.toThrow(
      'expected shape [N, T] with T >= 2, got [3, 1]',
    )
    await expect(model.logProb(tensor(new Float32Array(6), [1, 2, 3]))).rejects.toMatchObject({ code: 'E_SHAPE' })
    await expect(open({ instance: 'max' as 'sum' })).rejects.toThrow('instance: expected sum or mean, got max')
    const stop = new AbortController()
    stop.abort()
    await expect(model.logProb(x, { signal: stop.signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('names what a folder lacks', async () => {
    const whole = await openCheckpoint(fixture('tiny-lstm'))
    const { folder, manifest } = whole
    const { sequence: _, ...rest } = manifest
    await expect(open({}, { ...whole, manifest: rest })).rejects.toThrow(
      `${folder} sequence: expected { vocabulary }, got undefined`,
    )
    await expect(open({}, { ...whole, manifest: { ...manifest, sequence: { vocabulary: 4 } } })).rejects.toThrow(
      `${folder} graphs.logits.outputs.logits: expected shape [N, T, 4], got [N, T, 5]`,
    )
    await expect(open({}, fixture('tiny-gray'))).rejects.toThrow('kind: expected sequence, got autoregressive')
    await expect(open({}, fixture('absent'))).rejects.toThrow(
      'expected a sequence folder: manifest.json of kind sequence',
    )
  })
})
