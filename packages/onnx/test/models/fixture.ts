// Reads the stored models: ONNX files of PyTorch's exporters with float64 Jacobian products of torch.func.
import { readdirSync, readFileSync } from 'node:fs'
import type { TensorValue } from '@ood/runtime'
import { type Model, readModel } from '../../src/index.ts'
import { type FloatType, floats, numbersOf } from '../run-graph.ts'

/**
 * Bound on errors relative to the largest number of a tensor, for float32 graphs against float64 values of the same
 * weights and inputs. Each of the 10 to 300 operators in sequence rounds by at most 6e-8 of the numbers it sees, mostly
 * in random directions; normalizations and differences of close numbers amplify a few times. 1e-7 to 1e-6 was typical,
 * 2e-6 the worst seen, while a wrong rule anywhere changes the first or second digit.
 */
export const TOLERANCE = 2e-5

const folder = new URL('./fixtures/', import.meta.url)

interface Packed {
  readonly shape: number[]
  readonly type: FloatType
  readonly data: string
}

type Part = 'x' | 'y' | 'tangents' | 'jvp' | 'cotangents' | 'vjp'

/** Numbers by value name. `jvp` = J `tangents`, `vjp` = Jᵀ `cotangents`, each with a leading axis of directions. */
export type Batch = Readonly<Record<Part, Readonly<Record<string, TensorValue>>>>

/** One exported file of a model, with the numbers stored for it at several batch sizes. */
export interface Fixture {
  readonly name: string
  readonly exporter: string
  readonly model: () => Model
  readonly batches: readonly Batch[]
}

/** Every exported file. */
export function fixtures(): Fixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => {
      const [name, exporter] = file.split('.') as [string, string]
      const { batches } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as { batches: Stored[] }
      const model = (): Model => readModel(new Uint8Array(readFileSync(new URL(file, folder))))
      return { name, exporter, model, batches: batches.map(unpack) }
    })
}

type Stored = Record<Part, Record<string, Packed>>

function unpack(stored: Stored): Batch {
  const parts = Object.entries(stored).map(([part, values]) => [
    part,
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tensor(value)])),
  ])
  return Object.fromEntries(parts) as Batch
}

function tensor({ shape, type, data }: Packed): TensorValue {
  const bytes = new Uint8Array(Buffer.from(data, 'base64')).buffer
  return { shape, data: type === 'float32' ? new Float32Array(bytes) : new Float64Array(bytes) }
}

/** The same numbers in another floating-point type. */
export function as(
  type: FloatType,
  values: Readonly<Record<string, TensorValue>>,
  suffix = '',
): Record<string, TensorValue> {
  const converted = Object.entries(values).map(([name, v]) => [name + suffix, floats(type, v.shape, numbersOf(v))])
  return Object.fromEntries(converted)
}

/** Largest absolute difference over the largest number expected. */
export function normwise(got: TensorValue | undefined, expected: TensorValue): number {
  const [a, b] = [numbersOf(got), numbersOf(expected)]
  if (a.length !== b.length || got!.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY
  let [worst, scale] = [0, 0]
  for (const [i, v] of b.entries()) {
    const difference = Math.abs(a[i]! - v)
    if (!(difference <= worst)) worst = difference
    scale = Math.max(scale, Math.abs(v))
  }
  return worst / scale
}

/** Unit vectors over the elements of one row: [D, N, ...shape], direction d being 1 at element d of every row. */
export function units(type: FloatType, shape: readonly number[]): TensorValue {
  const [rows, size] = [shape[0]!, shape.slice(1).reduce((p, n) => p * n, 1)]
  const values = new Float32Array(size * rows * size)
  for (let d = 0; d < size; d++) for (let row = 0; row < rows; row++) values[(d * rows + row) * size + d] = 1
  return floats(type, [size, ...shape], values)
}

/** Products with one side of whole Jacobians: out[k, n, d] = sum over e of by[k, n, e] of[d, n, e], shaped like `like`. */
export function contract(of: TensorValue, by: TensorValue, like: TensorValue): TensorValue {
  const [directions, rows, k] = [of.shape[0]!, of.shape[1]!, by.shape[0]!]
  const size = of.data.length / (directions * rows)
  const [a, b] = [numbersOf(of), numbersOf(by)]
  const out = new Float64Array(k * rows * directions)
  for (let j = 0; j < k; j++)
    for (let n = 0; n < rows; n++)
      for (let d = 0; d < directions; d++) {
        let sum = 0
        for (let e = 0; e < size; e++) sum += b[(j * rows + n) * size + e]! * a[(d * rows + n) * size + e]!
        out[(j * rows + n) * directions + d] = sum
      }
  return { data: out, shape: like.shape }
}

export function sum(parts: readonly TensorValue[]): TensorValue {
  const [first, ...others] = parts
  const data = Float64Array.from(numbersOf(first))
  for (const other of others) for (const [i, v] of numbersOf(other).entries()) data[i]! += v
  return { data, shape: first!.shape }
}
