// Results of steps as a folder: `value.json` for the structure, one `.npy` file per array, nothing lost on the way.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FloatArray, flatData, mismatch, type NdArray, OodError, tensor } from '@ood/core'
import { readBoundedSync } from '@ood/core/node'
import { decodeNpy, encodeNpy } from '@ood/datasets'

/** Element types a stored array may have; all of them open in NumPy. */
export type StoredArray = Float64Array | Float32Array | Int32Array | Uint32Array | Uint8Array | BigInt64Array

/** A plain tree of JSON values, typed arrays and ndarrays: what a step may return. */
export type Storable =
  | null
  | boolean
  | number
  | string
  | StoredArray
  | NdArray
  | readonly Storable[]
  | { readonly [key: string]: Storable | undefined }

const STRUCTURE = 'value.json'

/** Most bytes of one stored file. */
const MAX_BYTES = 2 ** 31

/** Writes `value` into the existing folder; `what` names the step in errors. Returns the file names. */
export function saveValue(folder: string, value: unknown, what: string): string[] {
  const files: string[] = []
  const encode = (node: unknown, path: string): unknown => {
    if (node === null || typeof node === 'boolean' || typeof node === 'string') return node
    if (typeof node === 'number')
      return Number.isFinite(node) && !Object.is(node, -0) ? node : { $number: Object.is(node, -0) ? '-0' : `${node}` }
    const array = storedArray(node)
    if (array) return { $array: saveArray(array, [array.length], path) }
    if (isNdArray(node)) return { $ndarray: saveArray(flatData(node), node.shape, path) }
    if (Array.isArray(node)) return node.map((item, i) => encode(item, `${path}.${i}`))
    if (isPlainObject(node)) {
      const entries = Object.entries(node).filter(([, item]) => item !== undefined)
      const odd = entries.find(([key]) => key.startsWith('$') || key === '__proto__')
      if (odd) throw mismatch('E_ARGUMENT', `${what} result${path}`, 'keys that do not begin with $ or __', odd[0])
      return Object.fromEntries(entries.map(([key, item]) => [key, encode(item, `${path}.${key}`)]))
    }
    const expected = 'numbers, strings, booleans, null, typed arrays, ndarrays, and plain lists and objects of them'
    throw mismatch('E_ARGUMENT', `${what} result${path}`, expected, describe(node))
  }
  const saveArray = (data: StoredArray, shape: readonly number[], path: string): string => {
    // The index keeps names apart that differ only in characters a file name cannot hold.
    const name = `${files.length}${path.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)}.npy`
    files.push(name)
    writeFileSync(join(folder, name), encodeNpy({ data, shape: [...shape] }))
    return name
  }
  const structure = JSON.stringify(encode(value, ''))
  writeFileSync(join(folder, STRUCTURE), `${structure}\n`)
  return [STRUCTURE, ...files]
}

/** Reads what `saveValue` wrote. */
export function loadValue(folder: string): Storable {
  const decode = (node: unknown): Storable => {
    if (Array.isArray(node)) return node.map(decode)
    if (typeof node !== 'object' || node === null) return node as null | boolean | number | string
    const tagged = node as { $number?: string; $array?: string; $ndarray?: string }
    if (tagged.$number !== undefined) return Number(tagged.$number)
    if (tagged.$array !== undefined) return loadArray(tagged.$array).data as StoredArray
    if (tagged.$ndarray !== undefined) {
      const { data, shape } = loadArray(tagged.$ndarray)
      return tensor(data as FloatArray, shape)
    }
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, decode(item)]))
  }
  const loadArray = (name: string) => {
    const path = join(folder, name)
    return decodeNpy(readBoundedSync(path, MAX_BYTES), path)
  }
  const path = join(folder, STRUCTURE)
  try {
    return decode(JSON.parse(Buffer.from(readBoundedSync(path, MAX_BYTES)).toString('utf8')))
  } catch (cause) {
    if (cause instanceof OodError) throw cause
    throw new OodError('E_FILE', `${path}: expected a stored result, got ${(cause as Error).message}`, { cause })
  }
}

const arrayTypes = [Float64Array, Float32Array, Int32Array, Uint32Array, BigInt64Array]

/** The typed array that `node` is; a Node `Buffer` becomes the Uint8Array it stands for. */
function storedArray(node: unknown): StoredArray | undefined {
  if (node instanceof Uint8Array) return new Uint8Array(node.buffer, node.byteOffset, node.length)
  return arrayTypes.some((type) => node instanceof type) ? (node as StoredArray) : undefined
}

/** Says whether `node` looks like the `ndarray` package's arrays (they carry no class to ask for). */
export function isNdArray(node: unknown): node is NdArray {
  if (typeof node !== 'object' || node === null) return false
  const { data, shape, stride, offset } = node as Partial<NdArray>
  return ArrayBuffer.isView(data) && Array.isArray(shape) && Array.isArray(stride) && typeof offset === 'number'
}

function isPlainObject(node: unknown): node is Record<string, unknown> {
  if (typeof node !== 'object' || node === null) return false
  const prototype: unknown = Object.getPrototypeOf(node)
  return prototype === Object.prototype || prototype === null
}

function describe(node: unknown): string {
  return typeof node === 'object' && node !== null ? `a ${node.constructor?.name ?? 'object'}` : `a ${typeof node}`
}
