// Options of public functions: unknown names are refused, with the nearest known one.
import { assertOptions } from '@ood/core'
import { describe, expect, test } from 'vitest'

const known = ['device', 'workers', 'batchSize']

describe('assertOptions', () => {
  test('known and no options pass', () => {
    assertOptions('openFlow', undefined, known)
    assertOptions('openFlow', {}, known)
    assertOptions('openFlow', { workers: undefined, batchSize: 3 }, known)
  })

  test.each<[unknown, string]>([
    [{ worker: 1 }, 'openFlow: expected options device, workers, batchSize, got worker (workers?)'],
    [{ batchsize: 1 }, 'got batchsize (batchSize?)'],
    [{ colour: 1 }, 'openFlow: expected options device, workers, batchSize, got colour'],
    [null, 'openFlow options: expected an object, got null'],
    [[1], 'openFlow options: expected an object, got [1]'],
    [7, 'openFlow options: expected an object, got 7'],
    ['cpu', 'openFlow options: expected an object, got cpu'],
    [new Float32Array(2), 'openFlow options: expected an object, got Float32Array of 8 bytes'],
    [{ ['x'.repeat(999)]: 1 }, `got ${'x'.repeat(60)}`],
  ])('%o is refused', (options, message) => {
    expect(() => assertOptions('openFlow', options as object, known)).toThrowError(
      expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })

  test('a function without options says so', () => {
    expect(() => assertOptions('f', { a: 1 }, [])).toThrow('f: expected no options, got a')
  })
})
