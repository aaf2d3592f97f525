// Declared types of values in float64, sequences and optionals of tensors included.
import { sources, withFields } from '../proto.ts'
import type { Attribute, ValueInfo } from '../types.ts'

const FLOAT = 1
const DOUBLE = 11

/** The declaration with float64 for float32, at whatever depth. */
export function widened(info: ValueInfo): ValueInfo {
  if (info.type === 'float32') return { name: info.name, type: 'float64', shape: info.shape }
  const message = sources.value.get(info)
  if (info.type !== 'other' || !message?.type) return info
  const copy: ValueInfo = { ...info }
  sources.value.set(copy, withFields(message, { type: wideType(message.type) }))
  return copy
}

/** An attribute that holds a type, as that of Optional does, with float64 for float32. */
export function widenedType(a: Attribute): Attribute {
  const message = sources.attribute.get(a)
  if (a.kind !== 'other' || !message?.tp) return a
  const copy: Attribute = { ...a }
  sources.attribute.set(copy, withFields(message, { tp: wideType(message.tp) }))
  return copy
}

/** Follows the parts of a type message that hold other types. */
function wideType<T extends object>(type: T): T {
  const entries = Object.entries(type).map(([key, value]): [string, unknown] => {
    if (key === 'elemType' && value === FLOAT) return [key, DOUBLE]
    const nested = ['value', 'elemType', 'valueType'].includes(key) && typeof value === 'object' && value !== null
    return [key, nested ? wideType(value as object) : value]
  })
  return withFields(type, Object.fromEntries(entries) as Partial<T>)
}
