// Batches: shapes, contiguous and strided storage, slicing, joining, and the checks.
import {
  assertBatch,
  assertFinite,
  assertRows,
  concatRows,
  flatData,
  type NdArray,
  rowCount,
  rowSize,
  sliceRows,
  takeRows,
  tensor,
} from '@ood/core'
import fc from 'fast-check'
import ndarray from 'ndarray'
import { describe, expect, test } from 'vitest'

const count = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i)

describe('tensor', () => {
  test('wraps without copying', () => {
    const data = count(12)
    const x = tensor(data, [2, 3, 2])
    data[7] = -1
    expect(x.get(1, 0, 1)).toBe(-1)
    expect([rowCount(x), rowSize(x)]).toEqual([2, 6])
  })

  test('empty batches and scalars keep their shapes', () => {
    expect(rowCount(tensor(count(0), [0, 28, 28]))).toBe(0)
    expect(rowSize(tensor(count(0), [0, 28, 28]))).toBe(784)
    expect(rowSize(tensor(count(3), [3]))).toBe(1)
    expect(flatData(tensor(count(1), []))).toEqual(count(1))
  })

  test('sizes that do not fit are refused, also when their product would', () => {
    expect(() => tensor(count(6), [2, 4])).toThrow('tensor: expected 8 numbers for shape [2,4], got 6')
    for (const shape of [[-2, -3], [1.5, 4], [Number.NaN]])
      expect(() => tensor(count(6), shape)).toThrow(
        `tensor shape: expected whole numbers >= 0, got [${shape.join(', ')}]`,
      )
  })
})

describe('what is no batch', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['a raw array of a reader', { data: new Float32Array(4), shape: [2, 2] }, /pass them through toBatch/],
    ['a raw array of BigInts', { data: new BigInt64Array(4), shape: [2, 2] }, /got a batch of BigInt64Array/],
    ['a list', [1, 2], /got a list/],
    ['null', null, /got null/],
    ['nothing', undefined, /got undefined/],
    ['a typed array', new Float64Array(2), /got a Float64Array without a shape/],
    ['BigInts', ndarray([1n, 2n] as never), /got another object/],
    ['a BigInt64Array', ndarray(new BigInt64Array(2) as never), /got a batch of BigInt64Array/],
    ['a plain list with a gap', ndarray([1, null, 3] as never), /got another object/],
  ]
  test.each(wrong)('%s is named by every helper', (_what, value, message) => {
    const x = value as NdArray
    const good = tensor(count(2), [2])
    const helpers: (() => unknown)[] = [
      () => assertBatch('x', x),
      () => rowCount(x),
      () => rowSize(x),
      () => flatData(x),
      () => sliceRows(x, 0, 1),
      () => takeRows(x, [0]),
      () => assertRows('x', x, []),
      () => assertFinite('x', x),
      () => concatRows([good, x]),
      ...(value ? [() => concatRows([x, good])] : []),
    ]
    for (const helper of helpers) expect(helper).toThrow(message)
  })

  test('tensor takes typed arrays of numbers only', () => {
    for (const data of [BigInt64Array.of(1n), [1], new DataView(new ArrayBuffer(1)), null])
      expect(() => tensor(data as never, [1])).toThrow(/^tensor: expected a typed array of numbers, got/)
    expect(() => tensor(count(1), 1 as never)).toThrow('tensor shape: expected a list of sizes, got 1')
  })

  test('concatRows of bytes and floats loses no digits', () => {
    const bytes = ndarray(Uint8Array.of(7), [1, 1]) as unknown as NdArray
    expect(flatData(concatRows([bytes, tensor(Float32Array.of(0.5), [1, 1])]))).toEqual(Float64Array.of(7, 0.5))
  })
})

describe('flatData', () => {
  test('is the storage itself when contiguous, from an offset too', () => {
    const data = count(12)
    const x = tensor(data, [4, 3])
    expect(flatData(x).buffer).toBe(data.buffer)
    const tail = x.lo(2, 0) as NdArray<Float64Array>
    expect(flatData(tail)).toEqual(Float64Array.of(6, 7, 8, 9, 10, 11))
    expect(flatData(tail).buffer).toBe(data.buffer)
  })

  test('packs transposed, sliced, stepped and reversed views in row-major order', () => {
    const dims = fc.integer({ min: 1, max: 4 })
    fc.assert(
      fc.property(dims, dims, dims, fc.constantFrom(1, 2, -1), fc.boolean(), (a, b, c, step, single) => {
        const numbers = count(a * b * c)
        const x = tensor(single ? Float32Array.from(numbers) : numbers, [a, b, c])
        const view = x.transpose(2, 0, 1).step(1, step) as NdArray
        const expected: number[] = []
        for (let i = 0; i < view.shape[0]!; i++)
          for (let j = 0; j < view.shape[1]!; j++)
            for (let k = 0; k < view.shape[2]!; k++) expected.push(view.get(i, j, k))
        const flat = flatData(view)
        expect([...flat]).toEqual(expected)
        expect(flat.constructor).toBe(x.data.constructor)
      }),
    )
  })

  test('an axis of one never makes a copy, whatever its stride', () => {
    const data = count(6)
    expect(flatData(tensor(data, [6, 1]).transpose(1, 0) as NdArray).buffer).toBe(data.buffer)
  })
})

describe('rows', () => {
  const x = tensor(count(12), [4, 3])

  test('sliceRows shares storage and checks its range', () => {
    const part = sliceRows(x, 1, 3)
    expect([part.shape, [...flatData(part)]]).toEqual([
      [2, 3],
      [3, 4, 5, 6, 7, 8],
    ])
    expect(flatData(part).buffer).toBe(x.data.buffer)
    expect(rowCount(sliceRows(x, 4, 4))).toBe(0)
    for (const [from, to] of [
      [-1, 2],
      [2, 1],
      [0, 5],
      [0.5, 1],
    ] as const)
      expect(() => sliceRows(x, from, to)).toThrow(`sliceRows: expected 0 <= from <= to <= 4, got ${from}, ${to}`)
  })

  test('takeRows copies in the order asked for, repeats included', () => {
    expect([...flatData(takeRows(x, [3, 0, 3]))]).toEqual([9, 10, 11, 0, 1, 2, 9, 10, 11])
    expect(takeRows(x, []).shape).toEqual([0, 3])
    for (const bad of [4, -1, 0.5]) expect(() => takeRows(x, [bad])).toThrow(`takeRows: expected rows 0..3, got ${bad}`)
  })

  test('concatRows undoes slicing', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(6), (a, b) => {
        const whole = tensor(count((a + b) * 2), [a + b, 2])
        expect(concatRows([sliceRows(whole, 0, a), sliceRows(whole, a, a + b)])).toEqual(whole)
      }),
    )
  })

  test('concatRows loses no digits between float32 and float64, and checks rows', () => {
    const single: NdArray = tensor(Float32Array.of(1), [1, 1])
    const double: NdArray = tensor(Float64Array.of(0.1), [1, 1])
    expect(flatData(concatRows([single, double]))).toEqual(Float64Array.of(1, 0.1))
    expect(flatData(concatRows([single, single]))).toEqual(Float32Array.of(1, 1))
    expect(() => concatRows([])).toThrow('concatRows: expected at least one batch, got none')
    expect(() => concatRows([x, tensor(count(2), [1, 2])])).toThrow(
      'concatRows: expected rows of shape [3], got [1, 2]',
    )
  })
})

describe('checks', () => {
  test('assertRows names what it wanted', () => {
    const x = tensor(count(12), [1, 3, 4])
    assertRows('logProb', x, [3, 4])
    for (const shape of [[12], [4, 3], [3, 4, 1]])
      expect(() => assertRows('logProb', x, shape)).toThrow(
        `logProb: expected shape [N, ${shape.join(', ')}], got [1, 3, 4]`,
      )
  })

  test('assertFinite finds the first bad number', () => {
    const x = tensor(Float32Array.of(1, 2, 3, Number.NEGATIVE_INFINITY, Number.NaN, 6), [3, 2])
    expect(() => assertFinite('x', x)).toThrow('x: expected finite numbers, got -Infinity in row 1 at position 1')
    assertFinite('x', sliceRows(x, 0, 1))
    assertFinite('x', tensor(count(0), [0, 2]))
  })
})

describe('what is no batch', () => {
  test.each<[unknown, string]>([
    [{ data: new Uint8Array(4), shape: [2, 2] }, 'got Uint8Array and shape without strides, as readNpy gives them: pass them through toBatch'], // biome-ignore format: one case a line
    [{ data: [1, 2], shape: [2], stride: [1], offset: 0 }, 'got another object'],
    [{ data: new BigInt64Array(2), shape: [2], stride: [1], offset: 0 }, 'got a batch of BigInt64Array'],
    [new Float32Array(4), 'got a Float32Array without a shape'],
    [[[1, 2]], 'got a list'],
    [undefined, 'got undefined'],
    [null, 'got null'],
    ['images.npy', 'got a string'],
  ])('is named: %#', (x, got) => {
    const message = `images: expected a batch, tensor(data, shape) of a typed array, ${got}`
    const error = expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(message) })
    expect(() => assertRows('images', x as NdArray, [2])).toThrowError(error)
    expect(() => assertFinite('images', x as NdArray)).toThrowError(error)
    expect(() => rowCount(x as NdArray, 'images')).toThrowError(error)
    expect(() => flatData(x as NdArray)).toThrow('rows: expected a batch')
  })
})
