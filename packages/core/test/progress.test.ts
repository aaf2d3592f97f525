// The loop over batches: every row once, one event a batch, abort between batches.
import { forEachBatch, type OodError, type Progress, throwIfAborted } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('forEachBatch', () => {
  test('covers every row once, in order, in batches of at most the size asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(50), fc.integer({ min: 1, max: 60 }), async (total, batchSize) => {
        const rows: number[] = []
        const events: Progress[] = []
        await forEachBatch('score', total, 7, { batchSize, onProgress: (event) => events.push(event) }, (from, to) => {
          expect(to - from).toBeLessThanOrEqual(batchSize)
          for (let i = from; i < to; i++) rows.push(i)
        })
        expect(rows).toEqual(Array.from({ length: total }, (_, i) => i))
        expect(events.map((event) => event.done)).toEqual(
          Array.from({ length: Math.ceil(total / batchSize) }, (_, i) => Math.min(total, (i + 1) * batchSize)),
        )
        expect(events.every((event) => event.total === total && event.label === 'score')).toBe(true)
      }),
    )
  })

  test('uses the default size and waits for each batch', async () => {
    const log: string[] = []
    await forEachBatch('x', 5, 3, undefined, async (from, to) => {
      log.push(`start ${from}`)
      await Promise.resolve()
      log.push(`end ${to}`)
    })
    expect(log).toEqual(['start 0', 'end 3', 'start 3', 'end 5'])
  })

  test.each([0, -1, 1.5, Number.NaN])('batchSize %d is refused before anything runs', async (batchSize) => {
    let ran = false
    const call = forEachBatch('encode', 3, 2, { batchSize }, () => {
      ran = true
    })
    await expect(call).rejects.toThrow(`encode batchSize: expected a positive integer, got ${batchSize}`)
    expect(ran).toBe(false)
  })

  test('stops between batches when the signal fires, with the reason as cause', async () => {
    const controller = new AbortController()
    const done: number[] = []
    const call = forEachBatch('encode', 10, 2, { signal: controller.signal }, (_, to) => {
      done.push(to)
      if (to === 4) controller.abort('enough')
    })
    await expect(call).rejects.toMatchObject({
      code: 'E_ABORTED',
      message: 'encode: stopped by the caller',
      cause: 'enough',
    })
    expect(done).toEqual([2, 4])
  })

  test('an error inside a batch comes out as it is', async () => {
    const problem = new Error('inside')
    await expect(
      forEachBatch('x', 1, 1, undefined, () => {
        throw problem
      }),
    ).rejects.toBe(problem)
  })
})

test('throwIfAborted is silent without a signal or before it fires', () => {
  throwIfAborted(undefined, 'x')
  throwIfAborted(new AbortController().signal, 'x')
  expect(() => throwIfAborted(AbortSignal.abort(), 'x')).toThrow('x: stopped by the caller')
  try {
    throwIfAborted(AbortSignal.abort(), 'x')
  } catch (error) {
    expect((error as OodError).code).toBe('E_ABORTED')
  }
})
