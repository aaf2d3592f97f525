// Literal, slow version of the published dual-threshold ROC: oracle of the tests and peer of the benchmark.

/** Scores of one class; a missing y makes the rule a single threshold. */
export interface ReferenceScores {
  readonly x: readonly number[] | Float64Array
  readonly y?: readonly number[] | Float64Array | null
}

export interface ReferenceDualRoc {
  /** (FPR, TPR) of every pair of thresholds, sorted. */
  readonly points: [number, number][]
  /** The greedy frontier from (0, 0) to (1, 1). */
  readonly frontier: [number, number][]
  /** Trapezoid under the frontier. */
  readonly auc: number
}

/** Step by step as published, O(|Ux| |Uy| n). Not for large inputs. */
export function referenceDualRoc(positives: ReferenceScores, negatives: ReferenceScores): ReferenceDualRoc {
  // "If either y is missing both become all ones."
  const dual = positives.y != null && negatives.y != null
  const pos = { x: positives.x, y: dual ? positives.y! : Array.from(positives.x, () => 1) }
  const neg = { x: negatives.x, y: dual ? negatives.y! : Array.from(negatives.x, () => 1) }

  const points: [number, number][] = []
  for (const tx of thresholds(pos.x, neg.x)) {
    for (const ty of thresholds(pos.y, neg.y)) points.push([share(neg, tx, ty), share(pos, tx, ty)])
  }
  // The published code compares the strings; rates are in [0, 1], so that orders by (FPR, TPR) to ten decimals.
  const keyed = points.map((point) => ({ point, key: `${point[0].toFixed(10)}_${point[1].toFixed(10)}` }))
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const sorted = keyed.map(({ point }) => point)

  const frontier: [number, number][] = [[0, 0]]
  for (const [fpr, tpr] of sorted) {
    const [lastFpr, lastTpr] = frontier[frontier.length - 1]!
    if (fpr >= lastFpr && tpr >= lastTpr) frontier.push([fpr, tpr])
  }
  frontier.push([1, 1])

  let auc = 0
  for (let i = 1; i < frontier.length; i++) {
    const [x0, y0] = frontier[i - 1]!
    const [x1, y1] = frontier[i]!
    auc += ((x1 - x0) * (y0 + y1)) / 2
  }
  return { points: sorted, frontier, auc }
}

function thresholds(positives: ArrayLike<number>, negatives: ArrayLike<number>): number[] {
  const pos = Array.from(positives)
  const neg = Array.from(negatives)
  return [...new Set([...pos, ...neg, Math.min(...pos) + 1e-6, Math.max(...neg) + 1e-6])].sort((a, b) => a - b)
}

function share(scores: { x: ArrayLike<number>; y: ArrayLike<number> }, tx: number, ty: number): number {
  let count = 0
  for (let i = 0; i < scores.x.length; i++) if (scores.x[i]! >= tx && scores.y[i]! >= ty) count++
  return count / scores.x.length
}
