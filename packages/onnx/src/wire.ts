// A walk over a file's protobuf structure before anything is decoded: what is broken, too deep or would not fit in
// memory once decoded is refused here, in time linear in the file and without allocating anything.
import { type Descriptor, modelDescriptor } from './proto.ts'

/** Messages within messages that are followed: what the C++ protobuf library allows, so that every tool agrees. */
const DEEPEST = 100

/** Memory that decoding may take: this much for any file, and so much more for each byte of it. */
const FREE_MEMORY = 64 * 2 ** 20
const MEMORY_PER_BYTE = 40

/** What is wrong with a file, in a few words; the caller makes the error line. */
export class WireError extends Error {}

/** What a decoded field costs, in bytes of memory, and where its message type is described. */
interface FieldPlan {
  readonly child: MessagePlan | undefined
  /** Packed integers and reals become lists of 8-byte numbers (and bigints 24 bytes more). */
  readonly perItem: number
  readonly itemBytes: number | 'varint' | undefined
  readonly list: boolean
}
interface MessagePlan {
  readonly cost: number
  readonly fields: Map<number, FieldPlan>
}

const plans = new Map<Descriptor, MessagePlan>()

function planOf(descriptor: Descriptor): MessagePlan {
  const known = plans.get(descriptor)
  if (known) return known
  const fields = new Map<number, FieldPlan>()
  // Objects with a pointer for each field and an empty array for each list: 150 to 450 bytes were measured.
  const plan: MessagePlan = { cost: 96 + 24 * descriptor.fields.length, fields }
  plans.set(descriptor, plan)
  for (const field of descriptor.fields) {
    const child = field.message ? planOf(field.message) : undefined
    fields.set(field.number, { child, perItem: field.wide ? 32 : 8, itemBytes: field.itemBytes, list: field.list })
  }
  return plan
}

/**
 * Checks the whole structure of an ONNX file.
 *
 * @throws WireError with what is wrong: a field that runs past its message, a number of more than ten bytes, nesting
 *   beyond 100 messages, or a file made to take more memory than 64 MB and 40 times its size
 */
export function checkWire(bytes: Uint8Array): void {
  const end = bytes.length
  const limit = FREE_MEMORY + MEMORY_PER_BYTE * end
  let at = 0
  let memory = 0

  /** Reads a varint as a double: exact to 2^53, and larger ones are out of every bound it is compared with. */
  const varint = (stop: number): number => {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      if (at >= stop) throw new WireError('a number that is cut off')
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw new WireError('a number of more than ten bytes')
  }
  const spend = (cost: number): void => {
    memory += cost
    if (memory > limit) throw new WireError('more parts than a file of its size can hold')
  }
  const skipGroup = (number: number, stop: number, depth: number): void => {
    for (;;) {
      if (depth > DEEPEST) throw new WireError(`messages nested more than ${DEEPEST} deep`)
      if (at >= stop) throw new WireError('a group that is cut off')
      const tag = varint(stop)
      if ((tag & 7) === 4) {
        if (tag >>> 3 !== number) throw new WireError('a group that ends as another')
        return
      }
      skip(tag, stop, depth)
    }
  }
  /** Passes over a field nothing is known about. */
  const skip = (tag: number, stop: number, depth: number): void => {
    const type = tag & 7
    if (type === 0) varint(stop)
    else if (type === 1) at += 8
    else if (type === 2) {
      const length = varint(stop)
      at += length
    } else if (type === 3) skipGroup(tag >>> 3, stop, depth + 1)
    else if (type === 5) at += 4
    else throw new WireError(`a field of no known kind (${type})`)
    if (at > stop) throw new WireError('a field that runs past its end')
  }
  const message = (plan: MessagePlan, stop: number, depth: number): void => {
    if (depth > DEEPEST) throw new WireError(`messages nested more than ${DEEPEST} deep`)
    spend(plan.cost)
    while (at < stop) {
      const tag = varint(stop)
      if (tag < 8 || tag > 0xffffffff) throw new WireError('a field without a number')
      const field = plan.fields.get(tag >>> 3)
      if (!field || (tag & 7) !== 2) {
        // Unknown fields are kept as an object with a view each.
        spend(field ? field.perItem : 192)
        if (field && !fits(field, tag & 7)) throw new WireError('a field of another kind than its own')
        skip(tag, stop, depth)
        continue
      }
      const length = varint(stop)
      if (length > stop - at) throw new WireError('a field that runs past its end')
      if (field.child) {
        message(field.child, at + length, depth + 1)
      } else if (field.itemBytes === undefined) {
        // Text and bytes: text is decoded to at most two bytes a byte, bytes stay in the file.
        spend(96 + (length < 65_536 ? 2 * length : 0))
        at += length
      } else if (!field.list) {
        throw new WireError('a field of another kind than its own')
      } else if (field.itemBytes === 'varint') {
        const stopList = at + length
        let items = 0
        while (at < stopList) {
          varint(stopList)
          items++
        }
        spend(items * field.perItem)
      } else {
        if (length % field.itemBytes !== 0) throw new WireError('a list that ends within a number')
        spend((length / field.itemBytes) * field.perItem)
        at += length
      }
    }
  }
  message(planOf(modelDescriptor), end, 1)
}

/** Is this wire kind one the field can be written in (unpacked numbers, mostly)? */
function fits(field: FieldPlan, type: number): boolean {
  if (field.child || field.itemBytes === undefined) return false
  if (field.itemBytes === 'varint') return type === 0
  return field.itemBytes === 8 ? type === 1 : type === 5
}
