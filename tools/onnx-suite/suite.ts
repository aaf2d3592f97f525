// The node tests of the ONNX standard as training/ood_training/node_suite.py writes them: cases, inputs, expected outputs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Numbers of a value; integers are kept as bigint, booleans as 0 and 1. */
export type Numbers = Float64Array | BigInt64Array | Uint8Array

/** A tensor, texts, a list of values, or nothing (an empty optional). */
export type Value =
  | { readonly kind: 'float64' | 'int64' | 'bool'; readonly shape: readonly number[]; readonly data: Numbers }
  | { readonly kind: 'string'; readonly shape: readonly number[]; readonly texts: readonly string[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Value[] }
  | { readonly kind: 'none' }

export type Tensor = Extract<Value, { data: Numbers }>

/** One node test. */
export interface Case {
  readonly name: string
  readonly rtol: number
  readonly atol: number
  readonly inputs: ReadonlyMap<string, Value>
  readonly outputs: ReadonlyMap<string, Value>
}

interface Stored {
  kind: Value['kind']
  name?: string
  shape?: number[]
  at?: number
  count?: number
  texts?: string[]
  parts?: Stored[]
}

/** All cases of a folder. */
export function readSuite(folder: string): { version: string; cases: readonly Case[] } {
  const index = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as {
    onnx: string
    cases: { name: string; rtol: number; atol: number; inputs: Stored[]; outputs: Stored[] }[]
  }
  const bytes = readFileSync(join(folder, 'values.bin'))
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const values = (list: Stored[]): Map<string, Value> => new Map(list.map((v) => [v.name!, decoded(v, buffer)]))
  const cases = index.cases.map(({ inputs, outputs, ...rest }) => {
    return { ...rest, inputs: values(inputs), outputs: values(outputs) }
  })
  return { version: index.onnx, cases }
}

/** The model's bytes of a case. */
export function modelBytes(folder: string, name: string): Uint8Array {
  return readFileSync(join(folder, 'models', `${name}.onnx`))
}

function decoded(stored: Stored, buffer: ArrayBuffer): Value {
  const { kind, shape = [], at = 0, count = 0 } = stored
  if (kind === 'none') return { kind }
  if (kind === 'sequence') return { kind, parts: stored.parts!.map((part) => decoded(part, buffer)) }
  if (kind === 'string') return { kind, shape, texts: stored.texts! }
  if (kind === 'bool') return { kind, shape, data: new Uint8Array(buffer, at, count) }
  if (kind === 'int64') return { kind, shape, data: new BigInt64Array(buffer, at, count) }
  return { kind, shape, data: new Float64Array(buffer, at, count) }
}
