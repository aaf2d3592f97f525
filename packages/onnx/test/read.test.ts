// Reading and writing: byte-for-byte round trips, and one clear error for anything that is not a whole model.
import { readFileSync } from 'node:fs'
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  constantTensor,
  graphBuilder,
  int,
  ints,
  type Model,
  plainNumbers,
  readModel,
  tensorOf,
  text,
  writeModel,
} from '../src/index.ts'
import { gaussian, numbersOf, runGraph } from './run-graph.ts'

const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)
const files = ['tiny-affine/decode.onnx', 'tiny-affine/encode.onnx', 'tiny-rqs/decode.onnx', 'tiny-rqs/encode.onnx']
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(file, fixtures)))

function small(): Model {
  const g = graphBuilder({ opset: 18, name: 'small' })
  const x = g.input('x', 'float32', ['N', 3])
  const w = g.constant('w', constantTensor('float32', [3, 2], new Float32Array([1, 2, 3, 4, 5, 6])))
  g.output('y', g.op('Transpose', [g.op('MatMul', [x, w])], { perm: ints([1, 0]) }))
  return g.model()
}

describe('round trips', () => {
  it.each(files)('%s is written back byte for byte', (file) => {
    const bytes = bytesOf(file)
    expect(Buffer.compare(writeModel(readModel(bytes)), bytes)).toBe(0)
  })

  it('a built model reads back the same', async () => {
    const model = small()
    const read = readModel(writeModel(model))
    expect(read.opsets).toEqual({ '': 18 })
    expect(read.graph.name).toBe('small')
    expect(read.graph.inputs).toEqual(model.graph.inputs)
    expect(read.graph.outputs).toEqual(model.graph.outputs)
    expect(read.graph.nodes).toEqual(model.graph.nodes)
    expect(plainNumbers(read.graph.initializers.get('w')!)).toEqual([1, 2, 3, 4, 5, 6])
    const x = gaussian('float32', [2, 3], 1)
    expect(numbersOf((await runGraph(read, { x })).y)).toEqual(numbersOf((await runGraph(model, { x })).y))
  })

  it('every element type keeps its numbers', () => {
    const types = [
      'float32',
      'float64',
      'int8',
      'int16',
      'int32',
      'int64',
      'uint8',
      'uint16',
      'uint32',
      'uint64',
      'bool',
    ] as const
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    for (const type of types) {
      const c = g.constant(type, tensorOf(type, [2], [0, 1]))
      g.output(`${type}_out`, g.op('Identity', [c]))
    }
    g.output('y', x)
    const read = readModel(writeModel(g.model()))
    for (const type of types) {
      const tensor = read.graph.initializers.get(type)!
      expect(tensor.type).toBe(type)
      expect(plainNumbers(tensor)).toEqual([0, 1])
    }
  })

  it('numbers stored at odd places in the file are read right', () => {
    // The name's length moves the raw data through every alignment.
    for (let length = 1; length <= 8; length++) {
      const g = graphBuilder()
      const c = g.constant('c'.repeat(length), tensorOf('float64', [2], [1.5, -2.25]))
      g.output('y', g.op('Identity', [c]))
      const read = readModel(Buffer.from(writeModel(g.model())))
      expect(plainNumbers(read.graph.initializers.get('c'.repeat(length))!)).toEqual([1.5, -2.25])
    }
  })

  it('attributes of every kind are read', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [1, 1, 4, 4])
    const w = g.constant('w', tensorOf('float32', [1, 1, 3, 3], new Array<number>(9).fill(1)))
    g.output('y', g.op('Conv', [x, w], { strides: ints([2, 2]), group: int(1), auto_pad: text('SAME_UPPER') }))
    const [node] = readModel(writeModel(g.model())).graph.nodes
    expect(attribute(node!, 'strides', 'ints', [])).toEqual([2, 2])
    expect(attribute(node!, 'group', 'int', 0)).toBe(1)
    expect(attribute(node!, 'auto_pad', 'string', '')).toBe('SAME_UPPER')
    expect(attribute(node!, 'dilations', 'ints', undefined)).toBeUndefined()
    expect(() => attribute(node!, 'group', 'string', '')).toThrow(
      'Conv "Conv_0" attribute group: expected string, got int',
    )
  })
})

describe('what is not a model', () => {
  const refused = (bytes: Uint8Array): void => {
    let caught: unknown
    try {
      readModel(bytes)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(OodError)
    expect((caught as OodError).code).toBe('E_FILE')
    expect((caught as OodError).message).not.toContain('\n')
  }

  it('truncated files are refused, wherever they end', () => {
    const bytes = writeModel(small())
    for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length))
  })

  it('a truncated real file is refused', () => {
    const bytes = bytesOf(files[0]!)
    for (const share of [0.01, 0.3, 0.5, 0.9, 0.99]) refused(bytes.subarray(0, Math.floor(bytes.length * share)))
  })

  it('random bytes, text and other formats are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), refused))
    refused(new TextEncoder().encode('<!doctype html><title>404</title>'))
    refused(new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]))
  })

  it('damaged files are refused or read, never anything else', () => {
    const bytes = writeModel(small())
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = bytes.slice()
        damaged[at] = value
        try {
          readModel(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(OodError)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('a tensor whose size field lies is refused before anything is allocated', () => {
    const g = graphBuilder()
    const c = g.constant('big', { type: 'float32', shape: [1e12], data: new Float32Array(4) })
    g.output('y', g.op('Identity', [c]))
    const bytes = writeModel(g.model())
    expect(() => readModel(bytes)).toThrow('initializer big: expected 1000000000000 stored numbers, got 4')
  })

  it('a node that uses a value nobody makes is named', () => {
    const model = small()
    const [first, ...rest] = model.graph.nodes
    const broken = { ...model, graph: { ...model.graph, nodes: [{ ...first!, inputs: ['nowhere', 'w'] }, ...rest] } }
    expect(() => readModel(writeModel(broken))).toThrow(
      'node MatMul "MatMul_0": expected inputs that some node makes, got nowhere',
    )
  })
})
