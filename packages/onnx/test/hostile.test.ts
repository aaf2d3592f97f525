// Files made to break a reader: each is refused with one line, in bounded time and memory.
import { readFileSync } from 'node:fs'
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Model, readModel, tensorNumbers, writeModel } from '../src/index.ts'
import { field, initializer, modelOf, node, port, varint, whole } from './wire-bytes.ts'

const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)
const real = new Uint8Array(readFileSync(new URL('tiny-rqs/decode.onnx', fixtures)))

/** The one line a file is refused with. */
function refusal(bytes: Uint8Array, use: (model: Model) => unknown = () => undefined): string {
  try {
    use(readModel(bytes))
  } catch (error) {
    expect(error).toBeInstanceOf(OodError)
    const { code, message } = error as OodError
    expect(message).not.toContain('\n')
    expect(message.length).toBeLessThan(1000)
    return `${code} ${message}`
  }
  return 'read'
}

/** Touches everything that is decoded late. */
function readAll(model: Model): void {
  for (const tensor of model.graph.initializers.values())
    if (tensor.type !== 'string' && tensor.type !== 'other') void tensor.data
  writeModel(model)
}

const x = port(11, 'x')
const y = port(12, 'y')
const relu = node('Relu', ['x'], ['y'])
const float = (values: number): number[] => [...whole(2, 1), ...field(9, new Uint8Array(4 * values))]

describe('graphs that are no graphs', () => {
  it('the smallest file by hand is read', () => {
    expect(readModel(modelOf([...relu, ...x, ...y])).graph.nodes[0]!.opType).toBe('Relu')
  })

  const cases: [string, readonly number[], string][] = [
    [
      'a cycle',
      [...node('Add', ['x', 'b'], ['a']), ...node('Relu', ['a'], ['b']), ...x, ...port(12, 'b')],
      'nodes that can be put in an order, got a circle through a',
    ],
    [
      'a node that reads itself',
      [...node('Add', ['x', 'y'], ['y']), ...x, ...y],
      'nodes that can be put in an order, got a circle through y',
    ],
    ['a value nobody makes', [...node('Relu', ['w'], ['y']), ...x, ...y], 'inputs that some node makes, got w'],
    ['a value made twice', [...relu, ...relu, ...x, ...y], 'Relu "" output: expected a name no other value has, got y'],
    ['an input made by a node', [...node('Relu', ['x'], ['x']), ...x, ...port(12, 'x')], 'no other value has, got x'],
    [
      'two inputs of one name',
      [...x, ...x, ...port(12, 'x')],
      'graph input: expected a name no other value has, got x',
    ],
    [
      'two initializers of one name',
      [...initializer('w', [2], float(2)), ...initializer('w', [2], float(2)), ...port(12, 'w')],
      'initializer: expected a name no other value has, got w',
    ],
    [
      'an initializer without a name',
      [...initializer('', [2], float(2)), ...relu, ...x, ...y],
      'initializer: expected a name',
    ],
    ['an output nobody makes', [...x, ...y], 'graph output: expected a value some node makes, got y'],
    ['a node without an operator', [...node('', ['x'], ['y']), ...x, ...y], 'expected an operator name'],
    [
      'a node of a domain without a version',
      [...node('Relu', ['x'], ['y'], field(7, 'com.acme')), ...x, ...y],
      'node Relu "": expected a domain with an operator set version, got com.acme',
    ],
    [
      'an attribute given twice',
      [
        ...node(
          'Relu',
          ['x'],
          ['y'],
          [...field(5, [...field(1, 'a'), ...whole(20, 2)]), ...field(5, [...field(1, 'a'), ...whole(20, 2)])],
        ),
        ...x,
        ...y,
      ],
      'each attribute once, got a',
    ],
    [
      'a negative size',
      [...initializer('w', [-1], float(1)), ...port(12, 'w')],
      'initializer w shape: expected sizes >= 0, got [-1]',
    ],
    [
      'sizes whose product overflows',
      [...initializer('w', [2 ** 31, 2 ** 31, 2 ** 31], float(1)), ...port(12, 'w')],
      'expected a size that exists',
    ],
    ['a size beyond 2^53', [...initializer('w', [2n ** 62n], float(1)), ...port(12, 'w')], 'expected sizes >= 0'],
    ['a port of 2^62', [...relu, ...port(11, 'x', [2n ** 62n]), ...y], 'shape of x: expected a size that exists'],
    [
      'too little data',
      [...initializer('w', [2 ** 40], float(4)), ...port(12, 'w')],
      `expected ${2 ** 40} stored numbers, got 4`,
    ],
    ['too much data', [...initializer('w', [3], float(4)), ...port(12, 'w')], 'expected 3 stored numbers, got 4'],
    [
      'half a number',
      [...initializer('w', [1], [...whole(2, 1), ...field(9, [0, 0])]), ...port(12, 'w')],
      'expected 1 stored numbers, got 0.5',
    ],
    [
      'numbers twice',
      [...initializer('w', [2], [...float(2), ...field(4, new Uint8Array(8))]), ...port(12, 'w')],
      'its numbers once',
    ],
    [
      'numbers of another kind',
      [...initializer('w', [2], [...whole(2, 7), ...field(4, new Uint8Array(8))]), ...port(12, 'w')],
      'its numbers once, as int64',
    ],
    [
      'a thousand axes',
      [...initializer('w', new Array<number>(1000).fill(1), float(1)), ...port(12, 'w')],
      'at most 64 axes',
    ],
  ]
  it.each(cases)('%s', (_name, graph, expected) => {
    expect(refusal(modelOf(graph))).toMatch(/^E_FILE /)
    expect(refusal(modelOf(graph))).toContain(expected)
  })

  it('a zero-size tensor may have any other sizes', () => {
    const { graph } = readModel(modelOf([...initializer('w', [0, 2 ** 40, 2 ** 40], whole(2, 1)), ...port(12, 'w')]))
    expect(graph.initializers.get('w')!.data.length).toBe(0)
  })
})

describe('versions', () => {
  const graph = [...relu, ...x, ...y]
  const cases: [string, Uint8Array, string][] = [
    ['IR version 99', modelOf(graph, { ir: 99 }), 'ONNX file IR version: expected 3 to 14, got 99'],
    ['IR version 2', modelOf(graph, { ir: 2 }), 'ONNX file IR version: expected 3 to 14, got 2'],
    ['operator set 0', modelOf(graph, { opset: 0 }), 'operator set ai.onnx: expected a version from 1, got 0'],
    ['two operator sets', modelOf(graph, { rest: field(8, whole(2, 21)) }), 'expected one version, got 20 and 21'],
  ]
  it.each(cases)('%s', (_name, bytes, expected) => {
    expect(refusal(bytes)).toContain(expected)
  })
})

describe('external data', () => {
  const entry = (key: string, value: string): number[] => field(13, [...field(1, key), ...field(2, value)])
  const at = (location: string, rest: number[] = []): Uint8Array =>
    modelOf([
      ...initializer('w', [4], [...whole(2, 1), ...entry('location', location), ...rest, ...whole(14, 1)]),
      ...port(12, 'w'),
    ])

  it.each(['../w.bin', 'a/../../w', '/etc/passwd', 'C:\\w', 'a\\..\\w', '', 'a//b', 'x\0y', 'file:w'])(
    'the location %j is refused',
    (location) => {
      expect(refusal(at(location))).toContain(
        "E_FILE initializer w external location: expected a relative path within the model's folder",
      )
    },
  )

  it.each([
    ['offset', '-4'],
    ['offset', '1e9'],
    ['offset', '99999999999999999999'],
    ['length', '17'],
    ['length', '0x10'],
  ])('%s %s is refused', (key, value) => {
    expect(refusal(at('w.bin', entry(key, value)))).toMatch(/^E_FILE initializer w external/)
  })

  it('a key given twice is refused', () => {
    expect(refusal(at('w.bin', entry('location', 'v.bin')))).toContain('each key once, got location')
  })

  it('bytes of the wrong length from the caller are refused', () => {
    const model = readModel(at('w.bin'), { external: () => new Uint8Array(3) })
    expect(() => model.graph.initializers.get('w')!.data).toThrow(
      'initializer w in w.bin: expected 16 bytes from byte 0, got 3',
    )
  })
})

describe('depth, size and recursion', () => {
  /** An If within an If within ... */
  const nested = (depth: number): number[] => {
    let graph = [...field(1, field(4, 'Nop')), ...field(2, 'g')]
    for (let i = 0; i < depth; i++) {
      const body = field(5, [...field(1, 'then_branch'), ...field(6, graph), ...whole(20, 5)])
      graph = [...field(1, [...field(4, 'If'), ...body]), ...field(2, 'g')]
    }
    return graph
  }

  it('32 graphs within each other are read, 33 are refused', () => {
    expect(refusal(modelOf(nested(32)))).toBe('read')
    expect(refusal(modelOf(nested(33)))).toContain('messages nested more than 100 deep')
  })

  it('hundreds of nested messages, and thousands of groups, are refused without a stack', () => {
    expect(refusal(modelOf(nested(300)))).toContain('nested more than 100 deep')
    const groups = new Uint8Array(200_000).fill((30 << 3) | 3)
    expect(refusal(groups)).toContain('E_FILE')
    let type = field(1, whole(1, 1))
    for (let i = 0; i < 400; i++) type = field(4, field(1, type))
    expect(refusal(modelOf(field(11, [...field(1, 'x'), ...field(2, type)])))).toContain('nested more than 100 deep')
  })

  const call = (name: string, from: string, to: string): number[] => node(name, [from], [to], field(7, 'f'))
  const fn = (name: string, body: number[]): number[] =>
    field(25, [
      ...field(1, name),
      ...field(4, 'a'),
      ...field(5, 'b'),
      ...body.flat(),
      ...field(9, [...field(1, 'f'), ...whole(2, 1)]),
      ...field(9, whole(2, 20)),
      ...field(10, 'f'),
    ])
  /** A function's nodes are field 7, a graph's field 1. */
  const inside = (graphNode: number[]): number[] => [...varint((7 << 3) | 2), ...graphNode.slice(1)]
  const withFunctions = (functions: number[], first = 'f0'): Uint8Array =>
    modelOf([...call(first, 'x', 'y'), ...x, ...y], {
      rest: [...field(8, [...field(1, 'f'), ...whole(2, 1)]), ...functions],
    })

  it('a local function is read', () => {
    const model = readModel(withFunctions(fn('f0', inside(node('Relu', ['a'], ['b'])))))
    expect(model.functions[0]).toMatchObject({
      name: 'f0',
      domain: 'f',
      inputs: ['a'],
      outputs: ['b'],
      opsets: { '': 20, f: 1 },
    })
    expect(model.functions[0]!.nodes[0]!.opType).toBe('Relu')
  })

  it('functions that call themselves, directly or in a circle, are refused', () => {
    expect(refusal(withFunctions(fn('f0', inside(call('f0', 'a', 'b')))))).toContain(
      'function f.f0: expected no calls of itself',
    )
    const circle = [...fn('f0', inside(call('f1', 'a', 'b'))), ...fn('f1', inside(call('f0', 'a', 'b')))]
    expect(refusal(withFunctions(circle))).toContain('expected no calls of itself')
  })

  it('functions that double at every level are refused by their size, not by running out of memory', () => {
    const functions: number[] = []
    for (let i = 0; i < 60; i++)
      functions.push(...fn(`f${i}`, [...inside(call(`f${i + 1}`, 'a', 'c')), ...inside(call(`f${i + 1}`, 'c', 'b'))]))
    functions.push(...fn('f60', inside(node('Relu', ['a'], ['b']))))
    expect(refusal(withFunctions(functions))).toContain('at most 1000000 nodes when expanded')
  })

  it('two functions of one name, and a chain of thousands of calls, are refused', () => {
    const one = fn('f0', inside(node('Relu', ['a'], ['b'])))
    expect(refusal(withFunctions([...one, ...one]))).toContain('functions: expected 2 names')
    const chain: number[] = []
    for (let i = 0; i < 1000; i++) for (const byte of fn(`f${i}`, inside(call(`f${i + 1}`, 'a', 'b')))) chain.push(byte)
    expect(refusal(withFunctions(chain))).toContain('calls within each other')
  })

  it('numbers of more than ten bytes, lengths beyond the end and kinds that do not exist are refused', () => {
    expect(refusal(new Uint8Array([8, ...new Array<number>(11).fill(0x80), 1]))).toContain(
      'a number of more than ten bytes',
    )
    expect(refusal(new Uint8Array([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toContain('runs past its end')
    expect(refusal(new Uint8Array([0x3a, ...varint(2n ** 63n)]))).toContain('runs past its end')
    expect(refusal(new Uint8Array([0x3f]))).toContain('E_FILE')
    expect(refusal(new Uint8Array([0x00, 0x00]))).toContain('a field without a number')
    expect(refusal(new Uint8Array([0x0a, 2, 9, 9]))).toContain('another kind than its own')
  })

  // A node takes two bytes here and some 300 in memory: 8 MB of them would take 1.2 GB.
  it('a small file of very many empty parts is refused before it is decoded', () => {
    const parts = new Uint8Array(8 * 2 ** 20)
    for (let i = 0; i < parts.length; i += 2) parts[i] = 0x0a
    const bytes = new Uint8Array([0x3a, ...varint(parts.length), ...parts.subarray(0, 0)].length + parts.length)
    bytes.set([0x3a, ...varint(parts.length)])
    bytes.set(parts, 1 + varint(parts.length).length)
    const before = process.memoryUsage()
    expect(refusal(bytes)).toContain('more parts than a file of its size can hold')
    const after = process.memoryUsage()
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(64 * 2 ** 20)
  })

  it('a graph given in thousands of pieces is merged in linear time', () => {
    const pieces: number[] = []
    for (let i = 0; i < 20_000; i++) pieces.push(0x3a, 0)
    expect(readModel(modelOf([...relu, ...x, ...y], { rest: pieces })).graph.nodes.length).toBe(1)
  })
})

describe('sparse tensors', () => {
  const sparse = (dims: readonly number[], at: readonly number[], entries = 1): number[] => {
    const values = field(1, [...whole(1, entries), ...float(entries), ...field(8, 's')])
    const indices = field(2, [
      ...whole(1, at.length),
      ...whole(2, 7),
      ...field(
        7,
        at.flatMap((i) => varint(i)),
      ),
    ])
    return field(15, [...values, ...indices, ...dims.flatMap((n) => whole(3, n))])
  }

  it('are read as the dense tensors they stand for', () => {
    const { graph } = readModel(modelOf([...sparse([2, 3], [4]), ...port(12, 's')]))
    expect([...tensorNumbers(graph.initializers.get('s')!)]).toEqual([0, 0, 0, 0, 0, 0])
    expect(graph.initializers.get('s')!.shape).toEqual([2, 3])
  })

  it('with places outside, or enormous for what they hold, are refused', () => {
    const all = (model: Model): unknown => model.graph.initializers.get('s')!.data
    expect(refusal(modelOf([...sparse([2, 3], [6]), ...port(12, 's')]), all)).toContain('E_FILE initializer s index')
    expect(refusal(modelOf([...sparse([2 ** 20, 2 ** 20], [6]), ...port(12, 's')]), all)).toContain(
      'at most 1000 numbers for each',
    )
    expect(refusal(modelOf([...sparse([4], [1, 2]), ...port(12, 's')]), all)).toContain('int64 indices of 1 entries')
  })
})

// Damage at random: whatever happens to a real file, the answer is a model or an OodError. fast-check shrinks failures.
describe('damaged real files', () => {
  const head = (share: number): number => Math.floor(share * (real.length - 1))
  // The structure of the file is in the bytes that are not weights; hits there are what matters.
  const place = fc.oneof(
    fc.nat(real.length - 1),
    fc.nat(4000),
    fc.nat(4000).map((n) => real.length - 1 - n),
  )

  it('byte flips', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 8 }), (flips) => {
        const damaged = real.slice()
        for (const [at, value] of flips) damaged[at] = value
        refusal(damaged, readAll)
      }),
      { numRuns: 200, seed: 5 },
    )
  })

  it('truncation, and pieces cut out or repeated', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(300), fc.boolean(), (share, length, twice) => {
        const at = head(share)
        expect(refusal(real.subarray(0, at))).toMatch(/^E_FILE/)
        const rest = real.subarray(twice ? Math.max(0, at - length) : Math.min(real.length, at + length))
        const changed = new Uint8Array(at + rest.length)
        changed.set(real.subarray(0, at))
        changed.set(rest, at)
        refusal(changed, readAll)
      }),
      { numRuns: 60, seed: 6 },
    )
  })
})
