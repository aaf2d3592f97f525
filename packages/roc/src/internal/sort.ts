// Sorting finite float64 scores, about three times faster than TypedArray.prototype.sort, which it falls back on.

/** Below this size the histograms cost more than they save. */
const SMALL = 512
/** Two radix passes of 11 bits each order 2^22 linear cells. */
const RADIX = 2048
const CELLS = RADIX * RADIX
/** Cells of up to this many unordered values are put in order by insertion. */
const INSERTION = 24
/** Heavy tails leave crowded cells, which are split again on their own range, at most this many times. */
const MAX_DEPTH = 4

/**
 * Sorts finite values ascending, in place, and returns the same array. Not stable, which plain numbers cannot show.
 *
 * The range is cut into 2^22 equal cells; `floor((v - min) * scale)` is monotone in v even in floating point, so a
 * two-pass radix sort on the cell numbers leaves only values of one cell out of order. O(n) on spread-out scores,
 * O(n log n) at worst; 2 n numbers of scratch.
 */
export function sortAscending(values: Float64Array): Float64Array {
  sortCells(values, 0)
  return values
}

function sortCells(values: Float64Array, depth: number): void {
  const n = values.length
  if (n < SMALL || depth > MAX_DEPTH) {
    values.sort()
    return
  }
  let low = values[0]!
  let high = low
  for (let i = 1; i < n; i++) {
    const value = values[i]!
    if (value < low) low = value
    else if (value > high) high = value
  }
  if (low === high) return
  const scale = (CELLS - 1) / (high - low)
  // The range can overflow to infinity (scale 0) or be so small that its inverse does.
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
    values.sort()
    return
  }

  const lowDigit = new Uint32Array(RADIX)
  const highDigit = new Uint32Array(RADIX)
  for (let i = 0; i < n; i++) {
    const cell = ((values[i]! - low) * scale) | 0
    lowDigit[cell & (RADIX - 1)]!++
    highDigit[cell >>> 11]!++
  }
  startsFromCounts(lowDigit)
  startsFromCounts(highDigit)
  const scratch = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const value = values[i]!
    const digit = (((value - low) * scale) | 0) & (RADIX - 1)
    scratch[lowDigit[digit]!++] = value
  }
  for (let i = 0; i < n; i++) {
    const value = scratch[i]!
    const digit = (((value - low) * scale) | 0) >>> 11
    values[highDigit[digit]!++] = value
  }

  for (let start = 0; start < n; ) {
    const cell = ((values[start]! - low) * scale) | 0
    let end = start + 1
    let ordered = true
    while (end < n && (((values[end]! - low) * scale) | 0) === cell) {
      if (values[end]! < values[end - 1]!) ordered = false
      end++
    }
    if (!ordered) {
      if (end - start <= INSERTION) insertionSort(values, start, end)
      else sortCells(values.subarray(start, end), depth + 1)
    }
    start = end
  }
}

/** Turns counts into the first position of each digit. */
function startsFromCounts(counts: Uint32Array): void {
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!
    counts[i] = sum
    sum += count
  }
}

function insertionSort(values: Float64Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const value = values[i]!
    let j = i - 1
    while (j >= start && values[j]! > value) {
      values[j + 1] = values[j]!
      j--
    }
    values[j + 1] = value
  }
}

/** Indices that put `values` in descending order. */
export function orderDescending(values: Float64Array): Uint32Array {
  const order = new Uint32Array(values.length)
  for (let i = 0; i < order.length; i++) order[i] = i
  return order.sort((i, j) => values[j]! - values[i]!)
}
