// The k smallest of many approximate numbers, put into exact order where rounding leaves it open.

/** The k nearest, nearest first. Buffers are reused by the next call. */
export interface Ranked {
  rows: Int32Array
  distances: Float64Array
}

let rows = new Int32Array(0)
let distances = new Float64Array(0)
let heap = new Float64Array(0)

/**
 * @param approximate - squared distances within `bound` of the true ones
 * @param exclude - a row that does not count, or -1
 * @param exact - the true distance of a row
 */
export function nearestFirst(
  approximate: Float64Array,
  count: number,
  k: number,
  bound: number,
  exclude: number,
  exact: (row: number) => number,
): Ranked {
  const limit = kthSmallest(approximate, count, k) + 2 * bound
  let found = 0
  for (let j = 0; j < count; j++) {
    // Written so that a product that overflowed to NaN keeps its row.
    if (approximate[j]! > limit || j === exclude) continue
    if (found === rows.length) grow()
    rows[found] = j
    distances[found++] = exact(j)
  }
  sortTogether(found)
  return { rows, distances }
}

function grow(): void {
  const size = Math.max(256, 2 * rows.length)
  const widerRows = new Int32Array(size)
  widerRows.set(rows)
  rows = widerRows
  const wider = new Float64Array(size)
  wider.set(distances)
  distances = wider
}

const before = (i: number, value: number, row: number): boolean =>
  distances[i]! < value || (distances[i]! === value && rows[i]! < row)

function insertionSort(from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const value = distances[i]!
    const row = rows[i]!
    let at = i
    for (; at > from && !before(at - 1, value, row); at--) {
      distances[at] = distances[at - 1]!
      rows[at] = rows[at - 1]!
    }
    distances[at] = value
    rows[at] = row
  }
}

/** Heapsort of (distance, row): no memory, no bad case. */
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
  const value = distances[start]!
  const row = rows[start]!
  let at = start
  for (;;) {
    let child = 2 * at + 1
    if (child >= n) break
    if (child + 1 < n && before(child, distances[child + 1]!, rows[child + 1]!)) child++
    if (!before(child, value, row)) {
      distances[at] = distances[child]!
      rows[at] = rows[child]!
      at = child
    } else break
  }
  distances[at] = value
  rows[at] = row
}

function exchange(i: number, j: number): void {
  const value = distances[i]!
  const row = rows[i]!
  distances[i] = distances[j]!
  rows[i] = rows[j]!
  distances[j] = value
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
