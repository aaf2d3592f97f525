// Finds where a Jacobian is cheaper as a product: tangents that all pass through few numbers.
//
// If everything a region computes depends on one tangent c of d numbers, while more than d directions arrive at c, the
// region's own Jacobian (d directions) times the arriving tangents gives the same. In a coupling layer c is the half of
// the variables that conditions the other half, and the region is the network in between.
import { count } from '../tensors.ts'
import { factors } from './factor.ts'
import { type Contribution, pullBack } from './pull.ts'
import { operandsOf, type Tangent } from './tangent.ts'
import type { Rows } from './writer.ts'

/** A region that depends on `entry` alone. */
export interface Region {
  readonly entry: Tangent
  readonly inside: ReadonlySet<Tangent>
}

/** Reading and writing one number, counted in multiplications of a matrix product. */
const COST_OF_A_NUMBER = 25

/** How a written tangent is made: its terms, or its operands when it is an operator of its own. */
interface Step {
  readonly tangent: Tangent
  readonly terms: readonly Contribution[] | undefined
  readonly operands: readonly Tangent[]
}

/** The regions worth a Jacobian of their own; they do not overlap. */
export function regions(
  list: readonly Tangent[],
  given: (t: Tangent) => boolean,
  outputs: ReadonlySet<Tangent>,
  rows: (t: Tangent) => Rows,
): Region[] {
  const steps = stepsOf(list, given)
  const children = dominated(steps)
  const users = usersOf(steps)
  const found: (Region & { gain: number })[] = []
  for (const { tangent } of steps) {
    const width = rows(tangent).to - rows(tangent).from
    if (width <= size(tangent)) continue
    const inside = descendants(tangent, children)
    const gain = inside.size === 0 ? 0 : saving(tangent, inside, steps, users, outputs, width)
    if (gain > 0) found.push({ entry: tangent, inside, gain })
  }
  const taken = new Set<Tangent>()
  const chosen: Region[] = []
  for (const region of found.sort((a, b) => b.gain - a.gain)) {
    if (taken.has(region.entry) || [...region.inside].some((t) => taken.has(t) || isEntry(chosen, t))) continue
    for (const t of region.inside) taken.add(t)
    chosen.push(region)
  }
  return chosen
}

/**
 * Sums that need not be written: made in part from a region, they go into one other sum that takes from the same region
 * anyway, so writing them would only multiply by that region's Jacobian twice.
 */
export function halfwaySums(
  list: readonly Tangent[],
  given: (t: Tangent) => boolean,
  outputs: ReadonlySet<Tangent>,
  regionOf: ReadonlyMap<Tangent, Region>,
): Set<Tangent> {
  const steps = stepsOf(list, given)
  const users = usersOf(steps)
  const takes = (step: Step): Set<Region> => new Set(step.operands.flatMap((t) => regionOf.get(t) ?? []))
  const found = new Set<Tangent>()
  for (const step of steps) {
    const [user, ...more] = users.get(step.tangent) ?? []
    if (!step.terms || !user?.terms || more.length > 0 || outputs.has(step.tangent)) continue
    if (regionOf.has(step.tangent) || regionOf.has(user.tangent)) continue
    const shared = takes(user)
    if ([...takes(step)].some((region) => shared.has(region))) found.add(step.tangent)
  }
  return found
}

function isEntry(chosen: readonly Region[], t: Tangent): boolean {
  return chosen.some((region) => region.entry === t)
}

function stepsOf(list: readonly Tangent[], given: (t: Tangent) => boolean): Step[] {
  const dry = factors(undefined)
  const written = new Set(list)
  return list.map((tangent) => {
    if (given(tangent)) return { tangent, terms: undefined, operands: [] }
    const terms = pullBack(tangent, (v) => written.has(v), dry)
    const operands = terms ? terms.map((term) => term.of) : operandsOf(tangent)
    return { tangent, terms, operands: [...new Set(operands)] }
  })
}

function usersOf(steps: readonly Step[]): Map<Tangent, Step[]> {
  const users = new Map<Tangent, Step[]>()
  for (const step of steps) {
    for (const operand of step.operands) users.set(operand, [...(users.get(operand) ?? []), step])
  }
  return users
}

/** Children in the dominator tree: t's parent is the last tangent that every path from the inputs to t passes. */
function dominated(steps: readonly Step[]): Map<Tangent, Tangent[]> {
  const parent = new Map<Tangent, Tangent | undefined>()
  const depth = new Map<Tangent | undefined, number>([[undefined, 0]])
  const meet = (a: Tangent | undefined, b: Tangent | undefined): Tangent | undefined => {
    let [x, y] = [a, b]
    while (x !== y) {
      if (depth.get(x)! >= depth.get(y)!) x = parent.get(x!)
      else y = parent.get(y!)
    }
    return x
  }
  const children = new Map<Tangent, Tangent[]>()
  for (const { tangent, operands } of steps) {
    const [first, ...rest] = operands
    const above = first && rest.reduce<Tangent | undefined>(meet, first)
    parent.set(tangent, above)
    depth.set(tangent, depth.get(above)! + 1)
    if (above) children.set(above, [...(children.get(above) ?? []), tangent])
  }
  return children
}

function descendants(t: Tangent, children: ReadonlyMap<Tangent, readonly Tangent[]>): Set<Tangent> {
  const found = new Set<Tangent>()
  const stack = [...(children.get(t) ?? [])]
  for (let next = stack.pop(); next; next = stack.pop()) {
    found.add(next)
    for (const child of children.get(next) ?? []) stack.push(child)
  }
  return found
}

/** Multiplications saved by a region's own Jacobian over pushing `width` directions through it. */
function saving(
  entry: Tangent,
  inside: ReadonlySet<Tangent>,
  steps: readonly Step[],
  users: ReadonlyMap<Tangent, readonly Step[]>,
  outputs: ReadonlySet<Tangent>,
  width: number,
): number {
  const d = size(entry)
  let direct = 0
  let own = 0
  /** Tangents that are the same at every point: linear operators on unit vectors, computed when the model is loaded. */
  const constant = new Set<Tangent>([entry])
  const leaving = new Set<Tangent>()
  for (const step of steps) {
    if (!inside.has(step.tangent)) continue
    const cost = costOf(step)
    direct += cost * width
    if (!step.terms && step.operands.every((t) => constant.has(t))) constant.add(step.tangent)
    else own += cost * d
    const outside = (users.get(step.tangent) ?? []).filter((user) => !inside.has(user.tangent))
    // A sum outside takes the sum of its terms from inside; an operator outside takes the tangent itself.
    for (const user of outside) leaving.add(user.terms ? user.tangent : step.tangent)
    if (outputs.has(step.tangent)) leaving.add(step.tangent)
  }
  for (const t of leaving) own += d * size(t) * width + COST_OF_A_NUMBER * size(t) * width
  return direct - own
}

function costOf({ tangent, terms }: Step): number {
  const own = tangent.def.kind === 'apply' ? (tangent.def.op.cost ?? 0) : 0
  const passes = terms ? terms.reduce((sum, term) => sum + count(term.shape as number[]), size(tangent)) : size(tangent)
  return own + COST_OF_A_NUMBER * passes
}

function size(t: Tangent): number {
  return count(t.shape as number[])
}
