// Small constructors and readers of node attributes.
import { mismatch } from '@ood/core'
import type { Attribute, Node, Tensor } from './types.ts'

/** An integer attribute. */
export function int(value: number): Attribute {
  return { kind: 'int', value }
}

/** A list of integers. */
export function ints(value: readonly number[]): Attribute {
  return { kind: 'ints', value }
}

/** A floating-point attribute. */
export function float(value: number): Attribute {
  return { kind: 'float', value }
}

/** A text attribute. */
export function text(value: string): Attribute {
  return { kind: 'string', value }
}

/** A tensor attribute. */
export function tensorAttribute(value: Tensor): Attribute {
  return { kind: 'tensor', value }
}

/** What each kind of attribute holds. */
type Values = {
  [A in Exclude<Attribute, { kind: 'other' }> as A['kind']]: A['value']
}

/** The value of an attribute of the wanted kind, or `fallback` when the node does not have it. */
export function attribute<K extends keyof Values, F>(node: Node, name: string, kind: K, fallback: F): Values[K] | F {
  const found = node.attributes[name]
  if (found === undefined) return fallback
  if (found.kind !== kind) throw mismatch('E_FILE', `${describe(node)} attribute ${name}`, kind, found.kind)
  return found.value as Values[K]
}

/** `Conv "features/3"`: how error lines name a node. */
export function describe(node: Node): string {
  return `${node.domain === '' ? '' : `${node.domain}.`}${node.opType} "${node.name || node.outputs[0] || ''}"`
}
