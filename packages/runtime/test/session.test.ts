// Sessions on graphs small enough to compute by hand.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openSession, parseDevice, type TensorValue } from '@ood/runtime'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.onnx`, import.meta.url))
const open: { release(): Promise<void> }[] = []
async function session(...args: Parameters<typeof openSession>): ReturnType<typeof openSession> {
  const opened = await openSession(...args)
  open.push(opened)
  return opened
}
afterAll(async () => {
  for (const opened of open) await opened.release()
})
const row = (data: ArrayLike<number>): TensorValue => ({ data: Float32Array.from(data), shape: [data.length / 3, 3] })

describe('openSession', () => {
  it('runs a graph from a path and from bytes', async () => {
    for (const source of [fixture('affine'), new Uint8Array(readFileSync(fixture('affine')))]) {
      const { inputs, outputs, run } = await session(source, { threads: 1 })
      expect(inputs).toEqual([{ name: 'x', type: 'float32', shape: ['N', 3] }])
      expect(outputs.map((port) => port.name)).toEqual(['y'])
      const { y } = await run({ x: row([1, 1, 1, 0, -1, 2]) })
      expect(y!.shape).toEqual([2, 3])
      // w = (2, 3, 4), b = (1, 0, -1): small integers, so float32 is exact.
      expect(Array.from(y!.data as Float32Array)).toEqual([3, 3, 3, 1, -3, 7])
    }
  })

  it('carries float64, int64 and bool', async () => {
    const { run } = await session(fixture('types'))
    const { y, other, twice } = await run({
      a: { data: Float64Array.of(0.1, 0.2), shape: [2] },
      i: { data: BigInt64Array.of(5n, -7n), shape: [2] },
      flag: { data: Uint8Array.of(1, 0), shape: [2] },
    })
    expect(y!.data).toEqual(Float64Array.of(0.1, -7))
    expect(other!.data).toEqual(Uint8Array.of(0, 1))
    expect(twice!.data).toEqual(BigInt64Array.of(10n, -14n))
  })

  it('returns only the outputs asked for', async () => {
    const { run } = await session(fixture('types'))
    const feeds = {
      a: { data: Float64Array.of(1), shape: [1] },
      i: { data: BigInt64Array.of(1n), shape: [1] },
      flag: { data: Uint8Array.of(1), shape: [1] },
    }
    expect(Object.keys(await run(feeds, ['twice']))).toEqual(['twice'])
    await expect(run(feeds, ['thrice'])).rejects.toThrow('output: expected y, other, twice, got thrice')
  })

  it('takes empty batches and views into larger buffers', async () => {
    const { run } = await session(fixture('affine'))
    expect((await run({ x: row([]) })).y!.shape).toEqual([0, 3])
    const data = Float32Array.of(9, 9, 1, 1, 1).subarray(2)
    expect((await run({ x: { data, shape: [1, 3] } })).y!.data).toEqual(Float32Array.of(3, 3, 3))
  })

  it('copies shared memory, which the engine refuses', async () => {
    const { run } = await session(fixture('affine'))
    const shared = new Float32Array(new SharedArrayBuffer(12)).fill(1)
    expect((await run({ x: { data: shared, shape: [1, 3] } })).y!.data).toEqual(Float32Array.of(3, 3, 3))
    const file = readFileSync(fixture('affine'))
    const bytes = new Uint8Array(new SharedArrayBuffer(file.length))
    bytes.set(file)
    expect((await session(bytes)).inputs[0]!.name).toBe('x')
  })

  it('gives each row the same result in any batch', async () => {
    const { run } = await session(fixture('affine'))
    const value = fc.float({ noNaN: true, min: -1e6, max: 1e6 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 9 }), async (rows) => {
        const all = (await run({ x: row(rows.flat()) })).y!.data as Float32Array
        for (const [i, one] of rows.entries()) {
          const single = (await run({ x: row(one) })).y!.data as Float32Array
          expect(all.slice(3 * i, 3 * i + 3)).toEqual(single)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('passes NaN and infinities through', async () => {
    const { run } = await session(fixture('affine'))
    const { y } = await run({ x: row([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) })
    expect(Array.from(y!.data as Float32Array)).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ])
  })
})

describe('errors', () => {
  it.each([
    ['a missing input', {}, 'E_ARGUMENT', 'net input x: expected a tensor, got undefined'],
    ['an unknown input', { q: row([1, 2, 3]) }, 'E_ARGUMENT', 'net input: expected x, got q'],
    [
      'a wrong element type',
      { x: { data: new Float64Array(3), shape: [1, 3] } },
      'E_ARGUMENT',
      'net input x: expected float32, got float64',
    ],
    [
      'a wrong fixed size',
      { x: { data: new Float32Array(4), shape: [1, 4] } },
      'E_SHAPE',
      'net input x: expected shape [N, 3], got [1, 4]',
    ],
    [
      'a missing axis',
      { x: { data: new Float32Array(3), shape: [3] } },
      'E_SHAPE',
      'net input x: expected shape [N, 3], got [3]',
    ],
    [
      'too little data',
      { x: { data: new Float32Array(5), shape: [2, 3] } },
      'E_SHAPE',
      'net input x: expected 6 numbers for shape [2, 3], got 5',
    ],
  ])('names %s', async (_, feeds, code, message) => {
    const { run } = await session(fixture('affine'), { name: 'net' })
    await expect(run(feeds as Record<string, TensorValue>)).rejects.toMatchObject({ code, message })
  })

  it('wraps an engine failure in one line', async () => {
    const { run } = await session(fixture('picky'), { name: 'picky' })
    const error = await run({ x: { data: new Float32Array(3), shape: [3] } }).catch((e: unknown) => e as Error)
    expect(error).toMatchObject({ code: 'E_RUNTIME' })
    expect((error as Error).message).toMatch(/^picky: expected the engine to run it, got .*Reshape/)
    expect((error as Error).message).not.toContain('\n')
  })

  it('names a file that is missing or no graph', async () => {
    await expect(openSession('/no/such.onnx')).rejects.toMatchObject({
      code: 'E_FILE',
      message: expect.stringMatching(/^\/no\/such\.onnx: expected an ONNX graph that loads, got /),
    })
    await expect(openSession(Uint8Array.of(1, 2, 3), { name: 'scrap' })).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it('carries every type of numbers', async () => {
    const { run } = await session(fixture('numbers'))
    const feeds = {
      FLOAT: Float32Array.of(0.5, -2),
      DOUBLE: Float64Array.of(0.1, -2),
      INT8: Int8Array.of(-128, 127),
      INT16: Int16Array.of(-32768, 32767),
      INT32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
      INT64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
      UINT8: Uint8Array.of(0, 255),
      UINT16: Uint16Array.of(0, 65535),
      UINT32: Uint32Array.of(0, 2 ** 32 - 1),
      UINT64: BigUint64Array.of(0n, 2n ** 64n - 1n),
      BOOL: Uint8Array.of(0, 1),
    }
    const values = Object.entries(feeds).map(([name, data]): [string, TensorValue] => [name, { data, shape: [2] }])
    const got = await run(Object.fromEntries(values))
    for (const [name, value] of values) expect([name, got[`${name}_out`]]).toEqual([name, value])
  })

  it('carries float16 as bits, whatever version of Node it runs on', async () => {
    const { run, inputs } = await session(fixture('half'))
    expect(inputs[0]!.type).toBe('float16')
    // 1, -2 and 65504, doubled: 2, -4 and infinity.
    const { y } = await run({ x: { data: Uint16Array.of(0x3c00, 0xc000, 0x7bff), shape: [3] } })
    expect(y).toEqual({ data: Uint16Array.of(0x4000, 0xc400, 0x7c00), shape: [3] })
    await expect(run({ x: { data: Float32Array.of(1), shape: [1] } })).rejects.toThrow(
      'input x: expected float16, got float32',
    )
  })

  it('refuses element types that do not cross the boundary', async () => {
    const types = 'float32, float64, float16, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool'
    for (const [name, message] of [
      ['brain', `brain ports: expected ${types}, got bfloat16`],
      ['text', `text port x: expected ${types}, got string`],
    ] as const)
      await expect(openSession(fixture(name), { name })).rejects.toMatchObject({ code: 'E_UNSUPPORTED', message })
  })

  it('refuses a released session, and releases twice without harm', async () => {
    const opened = await openSession(fixture('affine'), { name: 'net' })
    await opened.release()
    await opened.release()
    await expect(opened.run({ x: row([1, 2, 3]) })).rejects.toThrow('net: expected an open session, got a released one')
  })

  it('checks its options', async () => {
    await expect(openSession(fixture('affine'), { threads: 0 })).rejects.toThrow(
      'threads: expected a positive integer, got 0',
    )
    await expect(openSession(fixture('affine'), { optimization: 'most' as 'all' })).rejects.toThrow(
      'optimization: expected one of disabled, basic, extended, all, got most',
    )
    await expect(openSession(fixture('affine'), { device: 'tpu' as 'cpu' })).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
      message: 'device: expected one of cpu, cuda, tensorrt, webgpu, dml, coreml, got tpu',
    })
    expect(parseDevice('cuda')).toBe('cuda')
  })

  it('says when this platform has no such device', async () => {
    const absent = process.platform === 'win32' ? 'coreml' : 'dml'
    await expect(openSession(fixture('affine'), { name: 'net', device: absent })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      message: expect.stringMatching(/^net device: expected one of cpu.* on this platform, got/),
    })
  })
})
