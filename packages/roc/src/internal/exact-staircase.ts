// The exact dual-threshold staircase: the sweep behind dualRoc.
import type { DualColumns } from '../scores.ts'
import { orderDescending } from './sort.ts'

/** Operating points with whole-number counts and the thresholds of each. */
export interface CountedPoints {
  readonly falsePositives: Uint32Array
  readonly truePositives: Uint32Array
  readonly thresholdX: Float64Array
  readonly thresholdY: Float64Array
}

/** Log2 of the number of elements in one block: about sqrt(n), which balances skipping blocks and scanning inside them. */
export function blockShift(n: number): number {
  return Math.max(3, Math.round(Math.log2(n) / 2))
}

/** Both classes ranked; a rank is a position by descending y among the positives. */
interface Ranked {
  readonly pos: DualColumns
  readonly neg: DualColumns
  /** Items by descending x. */
  readonly byX: Uint32Array
  readonly negativesByX: Uint32Array
  /** Positive of each rank, and rank of each positive. */
  readonly byY: Uint32Array
  readonly rankOf: Uint32Array
  /** First rank whose positive is not above the negative; n when all are. */
  readonly bucketOf: Uint32Array
  readonly shift: number
}

/** Counts of the items with x at or above the current threshold. */
interface Active {
  positives: number
  negatives: number
  /** steps[r] = 2 * (active negatives in bucket r) + (is the positive of rank r active). */
  readonly steps: Int32Array
  readonly blockPositives: Int32Array
  readonly blockNegatives: Int32Array
}

/** The curve so far. */
interface Curve {
  /** best[k]: true positives to beat with at most k false positives; ascends in k. */
  readonly best: Int32Array
  /** Positive whose x, and rank whose y, reach best[k]; valid where best[k] > best[k - 1]. */
  readonly bestX: Int32Array
  readonly bestY: Int32Array
}

/**
 * See {@link dualRoc} for what is computed and why only coordinates of positives matter.
 *
 * Two sweeps: the first looks at every sqrt(n)-th x threshold to get a curve that is nearly right, the second at all of
 * them, skipping blocks of y thresholds that cannot beat it. Without the first, a sweep by descending x would keep
 * improving the whole curve row by row and could skip nothing.
 */
export function exactStaircase(pos: DualColumns, neg: DualColumns): CountedPoints {
  const ranked = rank(pos, neg)
  const size = neg.x.length + 1
  const curve: Curve = { best: new Int32Array(size), bestX: new Int32Array(size), bestY: new Int32Array(size) }
  const stride = 1 << ranked.shift
  sweep(ranked, (active, _entering, i) => {
    if (i % stride === 0) scanAll(active, curve.best)
  })
  lowerBound(curve.best)
  sweep(ranked, (active, entering) => scan(ranked, active, curve, entering))
  return carryForward(ranked, curve)
}

function rank(pos: DualColumns, neg: DualColumns): Ranked {
  const byY = orderDescending(pos.y)
  const rankOf = new Uint32Array(byY.length)
  for (let r = 0; r < byY.length; r++) rankOf[byY[r]!] = r
  return {
    pos,
    neg,
    byX: orderDescending(pos.x),
    negativesByX: orderDescending(neg.x),
    byY,
    rankOf,
    bucketOf: buckets(pos.y, byY, neg.y),
    shift: blockShift(byY.length),
  }
}

/** Lets positives enter by descending x, each after the negatives that are not below it, and visits every state. */
function sweep(ranked: Ranked, visit: (active: Active, entering: number, i: number) => void): void {
  const { pos, neg, byX, negativesByX, rankOf, bucketOf, shift } = ranked
  const n = byX.length
  const blocks = ((n - 1) >> shift) + 1
  const active: Active = {
    positives: 0,
    negatives: 0,
    steps: new Int32Array(n),
    blockPositives: new Int32Array(blocks),
    blockNegatives: new Int32Array(blocks),
  }
  let next = 0
  for (let i = 0; i < n; i++) {
    const entering = byX[i]!
    const a = pos.x[entering]!
    for (; next < negativesByX.length && neg.x[negativesByX[next]!]! >= a; next++) {
      const bucket = bucketOf[negativesByX[next]!]!
      // Bucket n lies below every positive: no tight pair of thresholds accepts it.
      if (bucket === n) continue
      active.steps[bucket]! += 2
      active.blockNegatives[bucket >> shift]!++
      active.negatives++
    }
    const entered = rankOf[entering]!
    active.steps[entered]! += 1
    active.blockPositives[entered >> shift]!++
    active.positives++
    visit(active, entering, i)
  }
}

/** First sweep: best[fp] over all y thresholds of one x threshold. */
function scanAll(active: Active, best: Int32Array): void {
  const { steps } = active
  let tp = active.positives
  let fp = active.negatives
  for (let r = steps.length - 1; r >= 0; r--) {
    if (tp > best[fp]!) best[fp] = tp
    const step = steps[r]!
    tp -= step & 1
    fp -= step >> 1
  }
}

/** Running maximum, less one: the second sweep then meets every point of the curve as an improvement and records it. */
function lowerBound(best: Int32Array): void {
  let most = 0
  for (let k = 0; k < best.length; k++) {
    most = Math.max(most, best[k]!)
    best[k] = Math.max(0, most - 1)
  }
}

/**
 * Second sweep: for one x threshold, lowers TP and FP from the loosest y threshold (last rank) to the rank of the
 * positive that just entered, noting improvements. A block is skipped when even its largest TP at its smallest FP would
 * not beat the curve.
 *
 * Equal coordinates need no care. Within a run of equal y the negatives sit at the first rank, so the run's last rank,
 * visited first, has the true counts, and the others understate TP at the same FP. Positives of equal x enter one by one
 * with all their negatives, so early scans understate TP and the last one corrects them. A threshold at an inactive rank
 * is never tight and is left to the next active one, which has the same TP and no more FP.
 */
function scan(ranked: Ranked, active: Active, curve: Curve, entering: number): void {
  const { steps, blockPositives, blockNegatives } = active
  const { best, bestX, bestY } = curve
  const { shift } = ranked
  const top = ranked.rankOf[entering]!
  let tp = active.positives
  let fp = active.negatives
  for (let block = (steps.length - 1) >> shift; block >= top >> shift; block--) {
    const fpAfter = fp - blockNegatives[block]!
    if (best[fpAfter]! >= tp) {
      tp -= blockPositives[block]!
      fp = fpAfter
      continue
    }
    const first = Math.max(top, block << shift)
    const last = Math.min(steps.length, (block + 1) << shift) - 1
    for (let r = last; r >= first; r--) {
      const step = steps[r]!
      if (tp > best[fp]! && (step & 1) === 1) {
        bestX[fp] = entering
        bestY[fp] = r
        for (let k = fp; k < best.length && best[k]! < tp; k++) best[k] = tp
      }
      tp -= step & 1
      fp -= step >> 1
    }
  }
}

/** See {@link Ranked.bucketOf}. */
function buckets(positiveY: Float64Array, byY: Uint32Array, negativeY: Float64Array): Uint32Array {
  const out = new Uint32Array(negativeY.length)
  for (let j = 0; j < out.length; j++) {
    let low = 0
    let high = byY.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (positiveY[byY[middle]!]! > negativeY[j]!) low = middle + 1
      else high = middle
    }
    out[j] = low
  }
  return out
}

/** One entry a budget: where a larger budget gains nothing, the thresholds of the smaller one stand. */
function carryForward({ pos, byY }: Ranked, { best, bestX, bestY }: Curve): CountedPoints {
  const thresholdX = new Float64Array(best.length)
  const thresholdY = new Float64Array(best.length)
  let tp = 0
  let a = Number.POSITIVE_INFINITY
  let b = Number.POSITIVE_INFINITY
  for (let k = 0; k < best.length; k++) {
    if (best[k]! > tp) {
      tp = best[k]!
      a = pos.x[bestX[k]!]!
      b = pos.y[byY[bestY[k]!]!]!
    }
    thresholdX[k] = a
    thresholdY[k] = b
  }
  return {
    falsePositives: Uint32Array.from(best, (_, k) => k),
    truePositives: Uint32Array.from(best),
    thresholdX,
    thresholdY,
  }
}
