// The k smallest of many approximate numbers, put into exact order where rounding leaves it open.

/** The k nearest, nearest first. Buffers are reused by the next call. */
export interface Ranked {
  rows: Int32Array
  squared: Float64Array
}

let rows = new Int32Array(0)
let squared = new Float64Array(0)
let heap = new Float64Array(0)

/**
 * @param approximate - squared distances within `bound` of the true ones; infinite for rows that do not count
 * @param exact - the true squared distance of a row
 */
export function nearestFirst(
  approximate: Float64Array,
  count: number,
  k: number,
  bound: number,
  tolerance: number,
  exact: (row: number) => number,
): Ranked {
  const limit = kthSmallest(approximate, count, k) + 2 * bound
  let found = 0
  for (let j = 0; j < count; j++) {
    const value = approximate[j]!
    if (value > limit) continue
    if (found === rows.length) grow()
    rows[found] = j
    squared[found++] = value
  }
  const precise = tolerance > 0
  for (let i = 0; i < found; i++) {
    if (!precise || bound > tolerance * squared[i]!) squared[i] = exact(rows[i]!)
  }
  sortTogether(found)
  if (precise) settleTies(found, bound, exact)
  return { rows, squared }
}

/** Neighbours in order whose distances the bound cannot tell apart are ordered by exact ones. */
function settleTies(found: number, bound: number, exact: (row: number) => number): void {
  for (let from = 0; from < found; ) {
    let to = from + 1
    while (to < found && squared[to]! - squared[to - 1]! <= 2 * bound) to++
    if (to > from + 1) {
      for (let i = from; i < to; i++) squared[i] = exact(rows[i]!)
      insertionSort(from, to)
    }
    from = to
  }
}

function grow(): void {
  const size = Math.max(256, 2 * rows.length)
  const widerRows = new Int32Array(size)
  widerRows.set(rows)
  rows = widerRows
  const widerSquared = new Float64Array(size)
  widerSquared.set(squared)
  squared = widerSquared
}

const before = (i: number, value: number, row: number): boolean =>
  squared[i]! < value || (squared[i]! === value && rows[i]! < row)

function insertionSort(from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const value = squared[i]!
    const row = rows[i]!
    let at = i
    for (; at > from && !before(at - 1, value, row); at--) {
      squared[at] = squared[at - 1]!
      rows[at] = rows[at - 1]!
    }
    squared[at] = value
    rows[at] = row
  }
}

/** Heapsort of (squared, row): no memory, no bad case. */
function sortTogether(n: number): void {
  if (n <= 24) {
    insertionSort(0, n)
    return
  }
  for (let i = (n >> 1) - 1; i >= 0; i--) sink(i, n)
  for (let end = n - 1; end > 0; end--) {
    exchange(0, end)
    sink(0, end)
  }
}

function sink(start: number, n: number): void {
  const value = squared[start]!
  const row = rows[start]!
  let at = start
  for (;;) {
    let child = 2 * at + 1
    if (child >= n) break
    if (child + 1 < n && before(child, squared[child + 1]!, rows[child + 1]!)) child++
    if (!before(child, value, row)) {
      squared[at] = squared[child]!
      rows[at] = rows[child]!
      at = child
    } else break
  }
  squared[at] = value
  rows[at] = row
}

function exchange(i: number, j: number): void {
  const value = squared[i]!
  const row = rows[i]!
  squared[i] = squared[j]!
  rows[i] = rows[j]!
  squared[j] = value
  rows[j] = row
}

/** The k-th smallest number, by a max-heap of the k smallest so far. */
function kthSmallest(values: Float64Array, count: number, k: number): number {
  if (heap.length < k) heap = new Float64Array(k)
  heap.fill(Number.POSITIVE_INFINITY, 0, k)
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (!(value < heap[0]!)) continue
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= k) break
      if (child + 1 < k && heap[child + 1]! > heap[child]!) child++
      if (heap[child]! <= value) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = value
  }
  return heap[0]!
}
