// Equal constants and equal nodes, each kept once.

import { bytesOf, isExternal } from '../storage.ts'
import type { Node, Tensor } from '../types.ts'

/** Operators that give something else each time. */
const random = new Set(
  'RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli Dropout'.split(' '),
)

/** The first of each set of equal constants, by the name of every later one. */
export function equalConstants(initializers: ReadonlyMap<string, Tensor>): Map<string, string> {
  const same = new Map<string, string>()
  const groups = new Map<string, { name: string; bytes: Uint8Array }[]>()
  for (const [name, tensor] of initializers) {
    if (tensor.type === 'string' || tensor.type === 'other' || isExternal(tensor)) continue
    const bytes = bytesOf(tensor.data)
    const key = `${tensor.type} ${tensor.shape} ${sample(bytes)}`
    const group = groups.get(key) ?? []
    groups.set(key, group)
    const found = group.find((other) => equalBytes(other.bytes, bytes))
    if (found) same.set(name, found.name)
    else group.push({ name, bytes })
  }
  return same
}

/** A hash of some bytes across the tensor: groups candidates without reading everything. */
function sample(bytes: Uint8Array): number {
  const step = Math.max(1, Math.floor(bytes.length / 256))
  let hash = 2166136261
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i]!, 16777619)
  return hash
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** What two nodes that give the same have in common; undefined for nodes that are never merged. */
export function nodeKey(node: Node): string | undefined {
  if (node.domain !== '' || random.has(node.opType)) return undefined
  const attributes = Object.entries(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  const parts: unknown[] = []
  for (const [name, a] of attributes) {
    if (a.kind === 'graph' || a.kind === 'other' || a.kind === 'reference') return undefined
    if (a.kind === 'tensor') {
      const { type, shape } = a.value
      if (type === 'string' || type === 'other' || isExternal(a.value)) return undefined
      parts.push([name, type, shape, Array.from(bytesOf(a.value.data))])
    } else parts.push([name, a.kind, typeof a.value === 'number' && Object.is(a.value, -0) ? '-0' : a.value])
  }
  return JSON.stringify([node.opType, node.inputs, node.outputs.map((name) => name !== ''), parts])
}
