// Weights in files of their own: opened on first use, written without copies, never read from outside the folder.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import { openModel, saveModel } from '@ood/onnx/node'
import { openSession } from '@ood/runtime'
import { afterAll, describe, expect, it } from 'vitest'
import {
  constantTensor,
  graphBuilder,
  jvp,
  type Model,
  readModel,
  type Tensor,
  tensorNumbers,
  writeExternal,
  writeModel,
} from '../src/index.ts'
import { floats, gaussian, numbersOf, runGraph } from './run-graph.ts'
import { field, initializer, modelOf, node, port, whole } from './wire-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'ood-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)

const WIDTH = 700
/** y = relu(x W + b): 1.96 MB of weights (a page-aligned tensor), 2.8 kB (a small one), 4 bytes (one that stays). */
function model(): Model {
  const g = graphBuilder()
  const x = g.input('x', 'float32', ['N', WIDTH])
  const numbers = (shape: number[], seed: number) => gaussian('float32', shape, seed).data as Float32Array
  const w = g.constant('w', constantTensor('float32', [WIDTH, WIDTH], numbers([WIDTH, WIDTH], 1)))
  const b = g.constant('b', constantTensor('float32', [WIDTH], numbers([WIDTH], 2)))
  g.output('y', g.op('Relu', [g.op('Add', [g.op('Mul', [g.op('MatMul', [x, w]), g.scalar('float32', 0.1)]), b])]))
  return g.model()
}
const x = gaussian('float32', [2, WIDTH], 3)
const same = (a: Tensor, b: Tensor): boolean =>
  Buffer.compare(Buffer.from(tensorNumbers(a).buffer), Buffer.from(tensorNumbers(b).buffer)) === 0
const caught = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(OodError)
    return `${(error as OodError).code} ${(error as Error).message}`
  }
  return 'nothing thrown'
}

describe('saveModel and openModel', () => {
  it('one file, or a file and its weights: the engine and this package read both', async () => {
    const original = model()
    const expected = numbersOf((await runGraph(original, { x })).y)
    saveModel(original, path('whole.onnx'))
    saveModel(original, path('split.onnx'), { externalThreshold: 1024 })
    expect(readFileSync(path('whole.onnx')).equals(writeModel(original))).toBe(true)
    expect(readFileSync(path('split.onnx')).length).toBeLessThan(1000)
    expect(readFileSync(path('split.onnx.data')).length).toBeGreaterThan(4 * WIDTH * WIDTH)
    for (const name of ['whole.onnx', 'split.onnx']) {
      const session = await openSession(path(name), { threads: 1, optimization: 'basic' })
      expect(numbersOf((await session.run({ x })).y)).toEqual(expected)
      await session.release()
      const opened = openModel(path(name))
      expect(tensorNumbers(opened.graph.initializers.get('b')!)).toEqual(
        tensorNumbers(original.graph.initializers.get('b')!),
      )
      expect(numbersOf((await runGraph(readModel(writeModel(opened, { inline: true })), { x })).y)).toEqual(expected)
    }
  })

  it('an opened model is written back as it was, and derivatives keep the reference to the weights', async () => {
    saveModel(model(), path('d.onnx'), { externalThreshold: 1024 })
    const opened = openModel(path('d.onnx'))
    expect(readFileSync(path('d.onnx')).equals(writeModel(opened))).toBe(true)
    const derivative = jvp(opened, { wrt: ['x'] })
    writeFileSync(path('d_jvp.onnx'), writeModel(derivative))
    const session = await openSession(path('d_jvp.onnx'), { threads: 1, optimization: 'basic' })
    const feeds = { x, x_tangent: gaussian('float32', [3, 2, WIDTH], 4) }
    const got = numbersOf((await session.run(feeds)).y_tangent)
    await session.release()
    expect(got).toEqual(numbersOf((await runGraph(jvp(model(), { wrt: ['x'] }), feeds)).y_tangent))
  })

  it('a model may be saved over the files it was opened from', async () => {
    saveModel(model(), path('same.onnx'), { externalThreshold: 1024 })
    saveModel(openModel(path('same.onnx')), path('same.onnx'), { externalThreshold: 100_000 })
    const again = openModel(path('same.onnx'))
    expect(same(again.graph.initializers.get('w')!, model().graph.initializers.get('w')!)).toBe(true)
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([])
  })

  it('weights that changed after a first look are refused', () => {
    saveModel(model(), path('changed.onnx'), { externalThreshold: 1024 })
    const opened = openModel(path('changed.onnx'))
    expect(opened.graph.initializers.get('b')!.data.length).toBe(WIDTH)
    writeFileSync(path('changed.onnx.data'), new Uint8Array(3_000_000))
    expect(caught(() => opened.graph.initializers.get('w')!.data)).toContain('expected an unchanged file')
  })

  it('missing, short and irregular files are one line each', () => {
    expect(caught(() => openModel(path('nowhere.onnx')))).toMatch(/^E_FILE .*nowhere/)
    expect(caught(() => openModel(folder))).toContain('expected a file, got a folder')
    expect(caught(() => saveModel(model(), path('no/such/folder.onnx')))).toMatch(/^E_FILE /)
    saveModel(model(), path('short.onnx'), { externalThreshold: 1024 })
    writeFileSync(path('short.onnx.data'), new Uint8Array(10))
    expect(caught(() => openModel(path('short.onnx')).graph.initializers.get('w')!.data)).toMatch(
      /^E_FILE external data short.onnx.data: expected at least/,
    )
    rmSync(path('short.onnx.data'))
    expect(caught(() => openModel(path('short.onnx')).graph.initializers.get('w')!.data)).toMatch(
      /^E_FILE external data/,
    )
  })

  it('a link that leaves the folder is refused, unless it leads into the root that is allowed', () => {
    mkdirSync(path('inner'))
    mkdirSync(path('blobs'))
    saveModel(model(), path('inner/m.onnx'), { externalThreshold: 1024 })
    writeFileSync(path('blobs/w'), readFileSync(path('inner/m.onnx.data')))
    rmSync(path('inner/m.onnx.data'))
    symlinkSync(path('blobs/w'), path('inner/m.onnx.data'))
    const weights = (opened: Model): number => opened.graph.initializers.get('w')!.data.length
    expect(caught(() => weights(openModel(path('inner/m.onnx'))))).toMatch(
      /^E_FILE external data m.onnx.data: expected a file within .* got a link that leaves it/,
    )
    expect(weights(openModel(path('inner/m.onnx'), { root: folder }))).toBe(WIDTH * WIDTH)
    // A folder whose name begins like the root's is not within it.
    mkdirSync(path('inner-2'))
    writeFileSync(path('inner-2/w'), readFileSync(path('blobs/w')))
    rmSync(path('inner/m.onnx.data'))
    symlinkSync(path('inner-2/w'), path('inner/m.onnx.data'))
    expect(caught(() => weights(openModel(path('inner/m.onnx'))))).toContain('a link that leaves it')
  })
})

describe('the pure interface', () => {
  it('bytes are asked for once, when they are first used, and used where they are', () => {
    const { model: file, data } = writeExternal(model(), { location: 'weights/m.bin' })
    const join = (chunks: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks))
    const weights = join(data.chunks)
    expect(weights.length).toBe(data.size)
    const asked: string[] = []
    const external = (location: string, offset: number, length: number): Uint8Array => {
      asked.push(`${location} ${offset} ${length}`)
      return weights.subarray(offset, offset + length)
    }
    const { graph } = readModel(join(file.chunks), { external })
    expect(asked).toEqual([])
    const w = graph.initializers.get('w')!
    expect(w.data).toBe(w.data)
    expect(w.data.buffer).toBe(weights.buffer)
    expect(asked).toEqual([`weights/m.bin 0 ${4 * WIDTH * WIDTH}`])
    expect(same(w, model().graph.initializers.get('w')!)).toBe(true)
    // Large tensors begin at pages, small ones at cache lines.
    expect(graph.initializers.get('b')!.data.byteOffset % 64).toBe(0)
  })

  it('without it, using such weights says what to do', () => {
    const { model: file } = writeExternal(model(), { location: 'm.bin' })
    const opened = readModel(new Uint8Array(Buffer.concat(file.chunks)))
    expect(caught(() => opened.graph.initializers.get('w')!.data)).toMatch(/^E_UNSUPPORTED initializer w: .*openModel/)
    expect(caught(() => writeExternal(model(), { location: '../m.bin' }))).toMatch(
      /^E_FILE writeExternal external location/,
    )
  })

  it('weights are views until the pieces are joined', () => {
    const original = model()
    const { data } = writeExternal(original, { location: 'm.bin' })
    expect(data.chunks.some((chunk) => chunk.buffer === original.graph.initializers.get('w')!.data.buffer)).toBe(true)
  })

  // 2.2 GB of weights that take no memory: thirty-five tensors over one array.
  it('a model over 2 GB is refused with what to do, and goes into two files', () => {
    const big = constantTensor('float32', [2 ** 24], new Float32Array(2 ** 24))
    const tensors = Array.from({ length: 35 }, (_, i): [string, typeof big] => [`w${i}`, big])
    const base = model()
    const large = { ...base, graph: { ...base.graph, initializers: new Map([...base.graph.initializers, ...tensors]) } }
    expect(caught(() => writeModel(large))).toMatch(
      /^E_UNSUPPORTED ONNX file: expected at most 2 GB.*externalThreshold/,
    )
    expect(writeExternal(large, { location: 'm.bin' }).model.size).toBeLessThan(10_000)
  })
})

describe('unknown fields', () => {
  // Fields 200 to 202 exist in no version of the format.
  const extra = (n: number): number[] => [
    ...field(200, `level ${n}`),
    ...whole(201, n),
    ...[...whole(202, 0).slice(0, -1)],
    7,
  ]
  const bytes = modelOf(
    [
      ...node('Mul', ['x', 'w'], ['y'], extra(1)),
      ...field(5, [...whole(1, 2), ...whole(2, 1), ...field(8, 'w'), ...field(9, new Uint8Array(8)), ...extra(2)]),
      ...[...port(11, 'x')],
      ...port(12, 'y'),
      ...extra(3),
    ],
    { rest: extra(4) },
  )

  it('survive at every level, in an unchanged model and in one derived from it', () => {
    expect(Buffer.compare(writeModel(readModel(bytes)), bytes)).toBe(0)
    const derived = Buffer.from(writeModel(jvp(readModel(bytes), { wrt: ['x'] })))
    for (const n of [1, 2, 3, 4]) expect(derived.includes(Buffer.from(extra(n)))).toBe(true)
  })
})

describe('numbers stored as lists', () => {
  // A name that is changed, or data that is moved, must not lose the other fields of the message.
  it('are written under another name, into the file and beside it', () => {
    const four = new Float32Array([1, 2, 3, 4])
    const stored = [...whole(1, 4), ...whole(2, 1), ...field(4, new Uint8Array(four.buffer))]
    const tensor = field(5, [...stored, ...field(8, 'w')])
    const attribute = field(5, [...field(1, 'value'), ...field(5, stored), ...whole(20, 4)])
    const read = readModel(
      modelOf([...node('Constant', [], ['c'], attribute), ...tensor, ...port(12, 'w'), ...port(12, 'c')]),
    )
    const c = read.graph.nodes[0]!.attributes.value!
    const w = read.graph.initializers.get('w')!
    if (c.kind !== 'tensor') throw new Error('no tensor')
    const initializers = new Map([
      ['w', c.value],
      ['v', w],
    ])
    const renamed: Model = { ...read, graph: { ...read.graph, initializers } }
    const { model: file, data } = writeExternal(renamed, { location: 'w.bin', threshold: 1 })
    const bytes = new Uint8Array(Buffer.concat(data.chunks))
    const external = (_location: string, offset: number, length: number) => bytes.subarray(offset, offset + length)
    const moved = readModel(new Uint8Array(Buffer.concat(file.chunks)), { external })
    for (const copy of [readModel(writeModel(renamed)), moved, readModel(writeModel(moved, { inline: true }))])
      for (const name of ['w', 'v'])
        expect([...tensorNumbers(copy.graph.initializers.get(name)!)]).toEqual([1, 2, 3, 4])
  })
})

describe('short element types', () => {
  // Values by hand from the ONNX description of each format.
  const cases: [string, number, number[], number[], number[]][] = [
    ['float16', 10, [0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc], [3], [1, 2 ** -24, Number.NEGATIVE_INFINITY]],
    ['bfloat16', 16, [0x80, 0x3f, 0x49, 0x40], [2], [1, 3.140625]],
    ['float8e4m3fn', 17, [0x38, 0x7e, 0xff, 0x01], [4], [1, 448, Number.NaN, 2 ** -9]],
    ['float8e4m3fnuz', 18, [0x40, 0x7f, 0x80, 0x01], [4], [1, 240, Number.NaN, 2 ** -10]],
    ['float8e5m2', 19, [0x3c, 0x7b, 0x7c, 0x01], [4], [1, 57344, Number.POSITIVE_INFINITY, 2 ** -16]],
    ['float8e5m2fnuz', 20, [0x40, 0x7f, 0x80, 0x01], [4], [1, 57344, Number.NaN, 2 ** -17]],
    ['uint4', 21, [0x21, 0x0f], [3], [1, 2, 15]],
    ['int4', 22, [0xf1, 0x08], [3], [1, -1, -8]],
    ['float4e2m1', 23, [0x21, 0xf7], [4], [0.5, 1, 6, -6]],
    ['float8e8m0', 24, [127, 130, 255], [3], [1, 8, Number.NaN]],
  ]
  it.each(cases)('%s is read, decoded and written back', (type, number, raw, shape, expected) => {
    const bytes = modelOf([...initializer('w', shape, [...whole(2, number), ...field(9, raw)]), ...port(12, 'w')])
    const model = readModel(bytes)
    const tensor = model.graph.initializers.get('w')!
    expect(tensor.type).toBe(type)
    expect([...tensorNumbers(tensor)]).toEqual(expected)
    expect(Buffer.from(writeModel({ ...model })).includes(Buffer.from(raw))).toBe(true)
  })

  it('float16 decodes as the engine casts it, all 65536 words', async () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i)
    for (const [type, to] of [
      ['float16', 1],
      ['bfloat16', 1],
    ] as const) {
      const g = graphBuilder()
      const zero = g.input('zero', 'float32', [1])
      const c = g.constant('c', constantTensor(type, [65536], words))
      g.output('y', g.op('Add', [g.op('Cast', [c], { to: { kind: 'int', value: to } }), zero]))
      const { y } = await runGraph(g.model(), { zero: floats('float32', [1], [0]) })
      const own = Float32Array.from(tensorNumbers(constantTensor(type, [65536], words)))
      expect(numbersOf(y)).toEqual([...own].map((v) => v + 0))
    }
  })
})

it('the main entry imports nothing of Node', () => {
  const source = new URL('../src/', import.meta.url)
  const seen = new Set<string>()
  const visit = (url: URL): void => {
    if (seen.has(url.href)) return
    seen.add(url.href)
    const text = readFileSync(url, 'utf8')
    expect(text).not.toMatch(/from 'node:/)
    for (const [, to] of text.matchAll(/from '(\.[^']+)'/g)) if (existsSync(new URL(to!, url))) visit(new URL(to!, url))
  }
  visit(new URL('index.ts', source))
  expect(seen.size).toBeGreaterThan(30)
})
