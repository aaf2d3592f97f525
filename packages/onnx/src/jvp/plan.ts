// Decides which tangents are written out in full and which dissolve into factors of those.
import { factors, isTrivial } from './factor.ts'
import { type Contribution, pullBack } from './pull.ts'
import { operandsOf, SUMMED, type Tangent } from './tangent.ts'

/** More rounds than any graph needed; each can only add tangents to write, so stopping early is merely slower code. */
const MOST_ROUNDS = 12

/** Visits of a round for every live tangent, after which sums that regions share are kept without weighing them. */
const MOST_VISITS = 40

/**
 * The tangents to write, in order. Operands of operators that mix elements (convolutions, products ...) must be; besides
 * these, sums that several others would otherwise repeat.
 */
export function tangentsToWrite(outputs: readonly Tangent[]): Tangent[] {
  const dry = factors(undefined)
  const live = reachable(outputs)
  // Operands of operators that cannot be pulled through are written whatever else is: with them as a start, the chain of
  // states of a recurrent layer is not walked to its beginning from every step.
  let written = new Set(live.flatMap((t) => (t.def.kind === 'apply' && !t.def.op.pull ? operandsOf(t) : [])))
  const kept = new Set<Tangent>()
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const stops = (t: Tangent): boolean => written.has(t) || kept.has(t)
    const needed = new Set(outputs)
    /** Tangents inside regions: how many regions they occur in, and whether always elementwise. */
    const inner = new Map<Tangent, { regions: number; elementwise: boolean }>()
    let visits = 0
    let hurried = false
    for (const t of live) {
      if (!needed.has(t)) continue
      const seen = new Set<Tangent>()
      const terms = pullBack(t, stops, dry, (v, labels) => {
        const found = inner.get(v) ?? { regions: 0, elementwise: true }
        inner.set(v, {
          regions: found.regions + (seen.has(v) ? 0 : 1),
          elementwise: found.elementwise && !labels.includes(SUMMED),
        })
        seen.add(v)
        // A cotangent that runs back through a thousand steps would be walked a thousand times before it is kept.
        if (++visits <= MOST_VISITS * live.length || !isShared(v, inner.get(v)!)) return
        kept.add(v)
        hurried = true
      })
      for (const operand of terms ? terms.map((term) => term.of) : operandsOf(t)) needed.add(operand)
    }
    const grown = keepSums(inner, needed, kept, stops)
    const settled = !grown && !hurried && needed.size === written.size && [...needed].every((t) => written.has(t))
    written = needed
    if (settled) break
  }
  return [...written].sort((a, b) => a.id - b.id)
}

/** Adds sums worth writing once to `kept`; says whether there were any. */
function keepSums(
  inner: ReadonlyMap<Tangent, { regions: number; elementwise: boolean }>,
  needed: ReadonlySet<Tangent>,
  kept: Set<Tangent>,
  stops: (t: Tangent) => boolean,
): boolean {
  let grown = false
  const dry = factors(undefined)
  for (const [t, { regions, elementwise }] of [...inner].sort((a, b) => a[0].id - b[0].id)) {
    if (!elementwise || needed.has(t) || kept.has(t) || !mayBeKept(t, regions)) continue
    const terms = pullBack(t, (v) => stops(v) || needed.has(v), dry)
    if (!terms || !worthKeeping(terms, regions)) continue
    kept.add(t)
    grown = true
  }
  return grown
}

/** An elementwise sum inside many regions. */
function isShared({ def }: Tangent, { regions, elementwise }: { regions: number; elementwise: boolean }): boolean {
  return def.kind === 'combine' && def.terms.length >= 2 && regions >= MOST_VISITS && elementwise
}

/** A cheap test before pulling: a term that needs no factor in the end needs none at the start. */
function mayBeKept({ def }: Tangent, regions: number): boolean {
  if (def.kind === 'combine') return regions >= 2 || def.terms.some((term) => isTrivial(term.by))
  return def.kind === 'select' && regions >= 2
}

/**
 * A sum with a term that needs no factor is written as it is: pulled on, that term would cost a product of its own
 * wherever the sum is scaled. A long sum that several regions share is written once.
 */
function worthKeeping(terms: readonly Contribution[], regions: number): boolean {
  if (terms.length < 2) return false
  const free = terms.some((term) => isTrivial(term.factor) && !term.labels.includes(SUMMED))
  return free || (terms.length >= 3 && regions >= 2)
}

/** Everything the outputs are made of, largest id first. */
function reachable(outputs: readonly Tangent[]): Tangent[] {
  const found = new Set<Tangent>()
  const stack = [...outputs]
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (found.has(t)) continue
    found.add(t)
    for (const operand of operandsOf(t)) stack.push(operand)
  }
  return [...found].sort((a, b) => b.id - a.id)
}
