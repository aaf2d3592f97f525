// Sweeps over rows: every row once, progress by finished rows, the first error after the running batches have ended.
import { describe, expect, it } from 'vitest'
import { assertFiniteRows, once, sweep } from '../src/index.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('sweep', () => {
  it.each([1, 2, 5])('covers every row once with %i lanes and counts finished rows', async (lanes) => {
    const seen: number[] = []
    const done: number[] = []
    await sweep(
      { label: 'rows', total: 10, batchSize: 3, lanes },
      { onProgress: (p) => done.push(p.done) },
      async (from, to) => {
        await pause(10 - from)
        for (let row = from; row < to; row++) seen.push(row)
      },
    )
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(done.at(-1)).toBe(10)
    expect(done).toEqual([...done].sort((a, b) => a - b))
  })

  it('starts nothing after a failure and throws it when the others have ended', async () => {
    const ended: number[] = []
    const run = async (from: number): Promise<void> => {
      if (from === 0) throw new Error('first')
      await pause(5)
      ended.push(from)
    }
    await expect(sweep({ label: 'rows', total: 8, batchSize: 1, lanes: 2 }, undefined, run)).rejects.toThrow('first')
    expect(ended).toEqual([1])
  })

  it('stops when aborted and refuses a bad batch size', async () => {
    const limits = { label: 'rows', total: 4, batchSize: 1, lanes: 1 }
    const signal = AbortSignal.abort()
    await expect(sweep(limits, { signal }, async () => {})).rejects.toMatchObject({ code: 'E_ABORTED' })
    const bad = sweep({ ...limits, batchSize: 0 }, undefined, async () => {})
    await expect(bad).rejects.toThrow('rows batchSize: expected a positive integer, got 0')
  })
})

it('assertFiniteRows names the row and the position', () => {
  expect(() => assertFiniteRows('score', [1, 2, 3, Number.NaN], 2, 10)).toThrow('in row 11 at position 1')
  assertFiniteRows('score', [], 0, 0)
})

it('once opens at the first use, one time, and releases what it opened', async () => {
  let opened = 0
  let released = 0
  const thing = once(async () => {
    opened++
    return { release: async () => void released++ }
  })
  await thing.release()
  expect([opened, released]).toEqual([0, 0])
  expect(await thing.get()).toBe(await thing.get())
  await thing.release()
  await thing.release()
  expect([opened, released]).toEqual([1, 1])
})
