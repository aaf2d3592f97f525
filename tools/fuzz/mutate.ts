// Damage of bytes and of text, drawn from a seeded stream.
import type { Random } from '@ood/core'
import { pick } from './target.ts'

/** Numbers that sit at the edges of what formats count with. */
const EDGES = [0, 1, 2, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]

type Mutation = (bytes: Uint8Array, rng: Random, other: Uint8Array) => Uint8Array

const place = (rng: Random, bytes: Uint8Array): number => rng.integer(bytes.length + 1)
const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

const mutations: readonly Mutation[] = [
  // One bit.
  (bytes, rng) => changed(bytes, rng, (b) => b ^ (1 << rng.integer(8))),
  // One byte.
  (bytes, rng) => changed(bytes, rng, () => rng.integer(256)),
  // A number of 2, 4 or 8 bytes, in either order.
  (bytes, rng) => {
    const width = pick(rng, [2, 4, 8])
    if (bytes.length < width) return bytes
    const out = bytes.slice()
    const view = new DataView(out.buffer)
    const at = rng.integer(bytes.length - width + 1)
    const value = pick(rng, EDGES)
    const little = rng.integer(2) === 0
    if (width === 2) view.setUint16(at, value, little)
    else if (width === 4) view.setUint32(at, value, little)
    else view.setBigUint64(at, rng.integer(3) === 0 ? 2n ** 64n - 1n : BigInt(value), little)
    return out
  },
  // The end cut off.
  (bytes, rng) => bytes.slice(0, place(rng, bytes)),
  // A piece cut out, doubled, zeroed, or put elsewhere.
  (bytes, rng) => {
    const [a, b] = range(rng, bytes)
    return joined(bytes.subarray(0, a), bytes.subarray(b))
  },
  (bytes, rng) => {
    const [a, b] = range(rng, bytes)
    return joined(bytes.subarray(0, b), bytes.subarray(a, b), bytes.subarray(b))
  },
  (bytes, rng) => {
    const out = bytes.slice()
    const [a, b] = range(rng, bytes)
    return out.fill(pick(rng, [0, 255, 0x20]), a, b)
  },
  (bytes, rng) => {
    const [a, b] = range(rng, bytes)
    const at = place(rng, bytes)
    return joined(bytes.subarray(0, at), bytes.subarray(a, b), bytes.subarray(at))
  },
  // Noise in between.
  (bytes, rng) => {
    const at = place(rng, bytes)
    const noise = Uint8Array.from({ length: 1 + rng.integer(16) }, () => rng.integer(256))
    return joined(bytes.subarray(0, at), noise, bytes.subarray(at))
  },
  // The head of one input and the tail of another.
  (bytes, rng, other) => joined(bytes.subarray(0, place(rng, bytes)), other.subarray(place(rng, other))),
]

/** One to six mutations of `bytes`; one case in fifty is left as it is. `other` is another input of the same kind. */
export function damaged(bytes: Uint8Array, rng: Random, other: Uint8Array = bytes): Uint8Array {
  if (rng.integer(50) === 0) return bytes
  // A Buffer's slice is a view: damage must not reach the input it started from.
  let out: Uint8Array = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 1 + Math.floor(6 * rng.uniform() ** 2); i > 0; i--) {
    // The empty file is a case of its own.
    if (out.length > 0) out = pick(rng, mutations)(out, rng, other)
  }
  return out.length > 2 ** 22 ? out.slice(0, 2 ** 22) : out
}

const WORDS = [
  '""',
  '"',
  ',',
  '\n',
  '\r\n',
  '\r',
  'NaN',
  '-inf',
  '1e999',
  '-0',
  '0x10',
  '\u0000',
  '\ufeff',
  'é',
  ' ',
  '#',
]

/** As `damaged`, with words of text formats put in between. */
export function damagedText(text: string, rng: Random, words: readonly string[] = WORDS): Uint8Array {
  if (rng.integer(50) === 0) return Buffer.from(text)
  let out = text
  for (let i = 1 + rng.integer(4); i > 0; i--) {
    const at = rng.integer(out.length + 1)
    const word = rng.integer(200) === 0 ? pick(rng, words).repeat(1 + rng.integer(100_000)) : pick(rng, words)
    out = out.slice(0, at) + word + out.slice(at + rng.integer(3))
  }
  const bytes = new Uint8Array(Buffer.from(out))
  return rng.integer(3) === 0 ? damaged(bytes, rng) : bytes
}

function changed(bytes: Uint8Array, rng: Random, to: (byte: number) => number): Uint8Array {
  const out = bytes.slice()
  const at = rng.integer(out.length)
  out[at] = to(out[at]!)
  return out
}

/** A piece of up to 64 bytes, or now and then any. */
function range(rng: Random, bytes: Uint8Array): [number, number] {
  const a = place(rng, bytes)
  const most = rng.integer(8) === 0 ? bytes.length : 64
  return [a, Math.min(bytes.length, a + rng.integer(most + 1))]
}
