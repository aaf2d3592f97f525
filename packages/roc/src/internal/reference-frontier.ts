// The greedy dual-threshold frontier of the published code in O(n) memory.
import type { DualColumns } from '../scores.ts'
import { blockShift, type CountedPoints, exactStaircase } from './exact-staircase.ts'
import { countBelow, distinct } from './search.ts'
import { sortAscending } from './sort.ts'

/**
 * Thresholds of one axis: the distinct pooled values and two more, min(positives) + 1e-6 and max(negatives) + 1e-6,
 * the second of which lies strictly above all negatives. Ascending.
 */
function referenceThresholds(positives: Float64Array, negatives: Float64Array): Float64Array {
  const pooled = new Float64Array(positives.length + negatives.length + 2)
  pooled.set(positives)
  pooled.set(negatives, positives.length)
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const value of positives) least = Math.min(least, value)
  for (const value of negatives) most = Math.max(most, value)
  pooled[pooled.length - 2] = least + 1e-6
  pooled[pooled.length - 1] = most + 1e-6
  return distinct(sortAscending(pooled))
}

/** Active items of one class by y-threshold index, with the sums of each block of indices. */
interface ActiveCounts {
  readonly at: Int32Array
  readonly blocks: Int32Array
}

/** One row of the threshold grid: everything with x at or above the x threshold of index `row` is active. */
type RowVisitor = (row: number, positives: ActiveCounts, negatives: ActiveCounts) => void

/** The grid of all threshold pairs, visited by descending x threshold. */
interface ThresholdGrid {
  readonly thresholdsX: Float64Array
  readonly thresholdsY: Float64Array
  /** Log2 of the block length. */
  readonly shift: number
  visitRows(visit: RowVisitor): void
}

/** Ranks every item on both axes. O(n log n) time, O(n) memory. */
export function thresholdGrid(pos: DualColumns, neg: DualColumns): ThresholdGrid {
  const thresholdsX = referenceThresholds(pos.x, neg.x)
  const thresholdsY = referenceThresholds(pos.y, neg.y)
  const shift = blockShift(thresholdsY.length)
  const positives = itemsByRow(pos, thresholdsX, thresholdsY)
  const negatives = itemsByRow(neg, thresholdsX, thresholdsY)
  const empty = (): ActiveCounts => ({
    at: new Int32Array(thresholdsY.length),
    blocks: new Int32Array(((thresholdsY.length - 1) >> shift) + 1),
  })
  return {
    thresholdsX,
    thresholdsY,
    shift,
    visitRows(visit) {
      const activePositives = empty()
      const activeNegatives = empty()
      for (let row = thresholdsX.length - 1; row >= 0; row--) {
        activate(positives, row, activePositives, shift)
        activate(negatives, row, activeNegatives, shift)
        visit(row, activePositives, activeNegatives)
      }
    },
  }
}

/**
 * Frontier of the reference: all grid points sorted by (FP, TP); starting from (0, 0) a point is kept when its TP is not
 * below the last kept one. Each distinct point is returned once (repeats add no area).
 *
 * The scan is replayed without storing the grid. Before it reaches the points of one FP count its last TP is the
 * largest TP over all smaller FP counts, `floor[fp]`, which is the exact staircase at fp - 1; so exactly the points with
 * tp >= floor[fp] are kept. They form a chain that ascends in both counts, hence fp + tp tells them apart and indexes an
 * O(n) table. Blocks of y thresholds whose largest TP is below the floor at their smallest FP are skipped.
 */
export function referenceFrontier(pos: DualColumns, neg: DualColumns): CountedPoints {
  const grid = thresholdGrid(pos, neg)
  const floor = new Int32Array(neg.x.length + 1)
  floor.set(exactStaircase(pos, neg).truePositives.subarray(0, neg.x.length), 1)

  const chain = pos.x.length + neg.x.length + 1
  const kept: KeptPoints = {
    row: new Int32Array(chain).fill(-1),
    column: new Int32Array(chain),
    truePositives: new Int32Array(chain),
  }
  grid.visitRows((row, positives, negatives) => keepRow(grid, floor, row, positives, negatives, kept))

  const slots: number[] = []
  for (let slot = 0; slot < chain; slot++) if (slot === 0 || kept.row[slot] !== -1) slots.push(slot)
  const threshold = (thresholds: Float64Array, at: Int32Array): Float64Array =>
    // Slot 0 is the scan's own start (0, 0), which accepts nothing.
    Float64Array.from(slots, (slot) => (slot === 0 ? Number.POSITIVE_INFINITY : thresholds[at[slot]!]!))
  return {
    falsePositives: Uint32Array.from(slots, (slot) => slot - kept.truePositives[slot]!),
    truePositives: Uint32Array.from(slots, (slot) => kept.truePositives[slot]!),
    thresholdX: threshold(grid.thresholdsX, kept.row),
    thresholdY: threshold(grid.thresholdsY, kept.column),
  }
}

/** Kept points by fp + tp; row -1 where there is none. */
interface KeptPoints {
  readonly row: Int32Array
  readonly column: Int32Array
  readonly truePositives: Int32Array
}

function keepRow(
  grid: ThresholdGrid,
  floor: Int32Array,
  row: number,
  positives: ActiveCounts,
  negatives: ActiveCounts,
  kept: KeptPoints,
): void {
  const { shift } = grid
  const columns = grid.thresholdsY.length
  let tp = 0
  let fp = 0
  // From the strictest y threshold down, so that TP and FP grow and the first point of each slot is the strictest.
  for (let block = (columns - 1) >> shift; block >= 0; block--) {
    const tpAfter = tp + positives.blocks[block]!
    if (tpAfter < floor[fp]!) {
      tp = tpAfter
      fp += negatives.blocks[block]!
      continue
    }
    const first = block << shift
    for (let column = Math.min(columns, first + (1 << shift)) - 1; column >= first; column--) {
      tp += positives.at[column]!
      fp += negatives.at[column]!
      if (tp >= floor[fp]! && kept.row[fp + tp] === -1) {
        kept.row[fp + tp] = row
        kept.column[fp + tp] = column
        kept.truePositives[fp + tp] = tp
      }
    }
  }
}

/** Items grouped by the row of their x; `columns` lists their y-ranks row after row. */
interface ItemsByRow {
  readonly starts: Uint32Array
  readonly columns: Uint32Array
}

function itemsByRow(items: DualColumns, thresholdsX: Float64Array, thresholdsY: Float64Array): ItemsByRow {
  const n = items.x.length
  const rows = new Uint32Array(n)
  const starts = new Uint32Array(thresholdsX.length + 1)
  for (let i = 0; i < n; i++) {
    // Every score is itself a threshold, so the number of thresholds below it is its index.
    const row = countBelow(thresholdsX, items.x[i]!)
    rows[i] = row
    starts[row + 1]!++
  }
  for (let row = 0; row < thresholdsX.length; row++) starts[row + 1]! += starts[row]!
  const fill = starts.slice()
  const columns = new Uint32Array(n)
  for (let i = 0; i < n; i++) columns[fill[rows[i]!]!++] = countBelow(thresholdsY, items.y[i]!)
  return { starts, columns }
}

function activate(items: ItemsByRow, row: number, active: ActiveCounts, shift: number): void {
  for (let k = items.starts[row]!; k < items.starts[row + 1]!; k++) {
    const column = items.columns[k]!
    active.at[column]!++
    active.blocks[column >> shift]!++
  }
}
