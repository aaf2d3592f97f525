// Pulls a tangent apart into (factor x tangent) terms: local reverse accumulation on primal-sized factors.
//
// A region of elementwise operators, reductions, slices ... between materialised tangents is a linear map in which each
// input element reaches one output element. Its transpose applied to ones gives that map's coefficients, at the cost of
// the primal; the tangent then needs one product per region input, however many operators the region has.
import type { Dim } from '../types.ts'
import { type Factor, type Factors, scalar } from './factor.ts'
import { type Labels, type Pulled, SUMMED, type Tangent, type Term } from './tangent.ts'

/** One term of a pulled tangent: sum over the SUMMED axes of factor x tangent, in a space of the given shape. */
export interface Contribution {
  readonly of: Tangent
  readonly factor: Factor
  readonly labels: Labels
  readonly shape: readonly Dim[]
}

interface Entry extends Pulled {
  readonly tangent: Tangent
}

/**
 * The terms of `root` over tangents at which `stops` holds (or that cannot be pulled through), or undefined when root
 * itself is an operator that has to be written as it is.
 */
export function pullBack(
  root: Tangent,
  stops: (t: Tangent) => boolean,
  f: Factors,
  visit?: (t: Tangent, labels: Labels) => void,
): Contribution[] | undefined {
  const terms: Contribution[] = []
  const queue = new Queue(f)
  const start: Entry = { tangent: root, factor: scalar(root.type, 1), labels: root.shape.map((_, axis) => axis) }
  if (!step(start, queue, terms, f)) return undefined
  for (let entry = queue.next(); entry; entry = queue.next()) {
    visit?.(entry.tangent, entry.labels)
    if (stops(entry.tangent) || !step(entry, queue, terms, f)) {
      const { tangent, factor, labels } = entry
      terms.push({ of: tangent, factor, labels, shape: tangent.shape })
    }
  }
  return terms
}

/** Passes an entry's factor on to the operands; false when this tangent is where pulling ends. */
function step(entry: Entry, queue: Queue, terms: Contribution[], f: Factors): boolean {
  const { tangent, factor, labels } = entry
  const { def } = tangent
  if (def.kind === 'seed') return false
  if (def.kind === 'apply') {
    const pulled = def.op.pull?.({ factor, labels }, tangent, def.operands, f)
    if (!pulled) return false
    def.operands.forEach((operand, i) => {
      if (operand && pulled[i]) queue.add({ tangent: operand, ...pulled[i] })
    })
    return true
  }
  return broadcastStep(tangent, def.kind === 'combine' ? def.terms : branches(entry, f), entry, queue, terms, f)
}

/** The branches of a select as terms whose factors already carry everything above them. */
function branches(entry: Entry, f: Factors): { of: Tangent; by: Factor | undefined; total: Factor }[] {
  const { def } = entry.tangent
  if (def.kind !== 'select') return []
  const out: { of: Tangent; by: undefined; total: Factor }[] = []
  if (def.yes) out.push({ of: def.yes, by: undefined, total: f.where(def.condition, entry.factor, undefined) })
  if (def.no) out.push({ of: def.no, by: undefined, total: f.where(def.condition, undefined, entry.factor) })
  return out
}

/** Hands the factor of a broadcasting sum to its terms: an axis a term lacks is summed over, if it is a SUMMED one. */
function broadcastStep(
  tangent: Tangent,
  list: readonly (Term | { of: Tangent; by: Factor | undefined; total: Factor })[],
  { factor, labels }: Entry,
  queue: Queue,
  terms: Contribution[],
  f: Factors,
): boolean {
  const summed = labels.includes(SUMMED)
  const plans = list.map(({ of }) => alignment(of.shape, tangent.shape, labels))
  if (summed && plans.some((plan) => plan === undefined)) return false
  list.forEach((term, i) => {
    let total = 'total' in term ? term.total : f.mul(factor, term.by)
    const plan = plans[i]
    if (!plan) {
      // The term is broadcast along an axis of the result: it ends here, and the product broadcasts.
      terms.push({ of: term.of, factor: total, labels, shape: tangent.shape })
      return
    }
    for (const { axis, n } of plan) total = f.sum(total, axis, n)
    const rank = term.of.shape.length
    queue.add({ tangent: term.of, factor: f.trim(total, rank), labels: labels.slice(labels.length - rank) })
  })
  return true
}

/** Which axes (from the right) a term of shape `inner` is broadcast along; undefined when a factor cannot follow. */
function alignment(
  inner: readonly Dim[],
  outer: readonly Dim[],
  labels: Labels,
): { axis: number; n: number }[] | undefined {
  const sums: { axis: number; n: number }[] = []
  for (let axis = 0; axis < outer.length; axis++) {
    const n = outer[axis]!
    const m = inner[axis - outer.length + inner.length] ?? 1
    if (m === n) continue
    if (m !== 1 || typeof n !== 'number' || labels[axis] !== SUMMED) return undefined
    sums.push({ axis: axis - outer.length, n })
  }
  return sums
}

/**
 * Entries by tangent and labels, largest id first, so that every factor is complete when its tangent is reached. A heap:
 * an unrolled recurrent layer has thousands of entries waiting.
 */
class Queue {
  private readonly entries = new Map<string, Entry>()
  private readonly heap: Place[] = []
  private readonly f: Factors
  private serial = 0
  constructor(f: Factors) {
    this.f = f
  }

  add(entry: Entry): void {
    const key = `${entry.tangent.id} ${entry.labels}`
    const waiting = this.entries.get(key)
    this.entries.set(key, waiting ? { ...entry, factor: this.f.add(waiting.factor, entry.factor) } : entry)
    if (!waiting) push(this.heap, { key, id: entry.tangent.id, serial: this.serial++ })
  }

  next(): Entry | undefined {
    const first = pop(this.heap)
    if (!first) return undefined
    const entry = this.entries.get(first.key)
    this.entries.delete(first.key)
    return entry
  }
}

/** Where a key stands in the order: by id, and among equal ids as they came, so that results never change order. */
interface Place {
  readonly key: string
  readonly id: number
  readonly serial: number
}

const before = (a: Place, b: Place): boolean => a.id > b.id || (a.id === b.id && a.serial < b.serial)

function push(heap: Place[], place: Place): void {
  let i = heap.length
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (!before(place, heap[parent]!)) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = place
}

function pop(heap: Place[]): Place | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (!first || !last || heap.length === 0) return first
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
    if (!before(heap[child]!, last)) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = last
  return first
}
