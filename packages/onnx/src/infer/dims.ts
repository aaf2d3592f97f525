// Arithmetic on sizes that may only be known by name: 'N', '4*N', 'N+2'. Equal text means equal size.
import type { Dim } from '../types.ts'

/** A size nothing is known about carries this mark; two of them are never equal. */
const UNKNOWN = '?'
let serial = 0

/** A fresh size that equals nothing else. */
export function unknownDim(): string {
  serial++
  return `${UNKNOWN}${serial}`
}

export function isUnknown(dim: Dim): boolean {
  return typeof dim === 'string' && dim.includes(UNKNOWN)
}

/** Size of a product, in a canonical form. */
export function times(...dims: readonly Dim[]): Dim {
  let number = 1
  const names: string[] = []
  for (const dim of dims) {
    const [n, rest] = factors(dim)
    number *= n
    names.push(...rest)
  }
  return product(number, names)
}

/** total / part when it divides without remainder, names included; else unknown. */
export function over(total: Dim, part: Dim): Dim {
  const [n, names] = factors(total)
  const [m, others] = factors(part)
  const left = [...names]
  for (const name of others) {
    const at = left.indexOf(name)
    if (at < 0) return unknownDim()
    left.splice(at, 1)
  }
  return m !== 0 && n % m === 0 ? product(n / m, left) : unknownDim()
}

/** Size of a sum. */
export function plus(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a === 0) return b
  if (b === 0) return a
  return isUnknown(a) || isUnknown(b) ? unknownDim() : `(${[String(a), String(b)].sort().join('+')})`
}

/** Size of one axis under numpy broadcasting. */
export function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === b || b === 1) return a
  if (a === 1) return b
  // One of the two is known and not 1, so the other can only be that or 1.
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  return unknownDim()
}

/** Shape of an elementwise result; undefined when a rank is unknown. */
export function broadcast(shapes: readonly (readonly Dim[] | undefined)[]): Dim[] | undefined {
  let out: Dim[] = []
  for (const shape of shapes) {
    if (!shape) return undefined
    const rank = Math.max(out.length, shape.length)
    out = Array.from({ length: rank }, (_, axis) => {
      const a = out[axis - rank + out.length]
      const b = shape[axis - rank + shape.length]
      return a === undefined ? b! : b === undefined ? a : broadcastDim(a, b)
    })
  }
  return out
}

/** Do two shapes certainly agree? */
export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis])
}

/**
 * Turns a possibly negative axis into 0..rank-1. `rank` itself passes, because Flatten may name it and a scalar has no
 * other axis.
 *
 * @throws RangeError for an axis that is outside. A list written at such an axis would be as long as the axis is large:
 *   minutes of work for a file of a hundred bytes.
 */
export function positiveAxis(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -Math.max(1, rank) || axis > rank) {
    throw new RangeError(`axis ${axis} of a rank of ${rank}`)
  }
  return axis < 0 ? axis + Math.max(1, rank) : axis
}

/** Most axes that a shape may have. onnxruntime stops at 8 in most operators; files that ask for more are damaged. */
const MAX_RANK = 64

/**
 * As many unknown sizes as a tensor of sizes has entries, or undefined where that is not known.
 *
 * @throws RangeError for more axes than any tensor has
 */
export function unknownShape(rank: Dim | undefined): Dim[] | undefined {
  if (typeof rank !== 'number') return undefined
  if (!(rank >= 0 && rank <= MAX_RANK)) throw new RangeError(`a rank of ${rank}`)
  return Array.from({ length: rank }, unknownDim)
}

function factors(dim: Dim): [number, string[]] {
  if (typeof dim === 'number') return [dim, []]
  if (dim.includes('(')) return [1, [dim]]
  const names: string[] = []
  let number = 1
  for (const part of dim.split('*')) {
    if (/^\d+$/.test(part)) number *= Number(part)
    else names.push(part)
  }
  return [number, names]
}

function product(number: number, names: readonly string[]): Dim {
  if (number === 0 || names.length === 0) return number
  const sorted = [...names].sort()
  return number === 1 ? sorted.join('*') : [number, ...sorted].join('*')
}
