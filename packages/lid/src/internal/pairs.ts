// Counting pairs of two lists that disagree in order or tie, in O(n log n).

/** Number of pairs with a_i < a_j and b_i > b_j. */
export function countDiscordant(a: Float64Array, b: Float64Array): number {
  // Sorted by a, then by b ascending: pairs tied in a are in b order, so every inversion of b left has a_i < a_j.
  const order = sortedOrder(a, b)
  const values = Float64Array.from(order, (i) => b[i]!)
  return countInversions(values, new Float64Array(values.length))
}

/** Number of pairs tied in the first list, in the second, and in both. */
export function countTiedPairs(a: Float64Array, b: Float64Array): { first: number; second: number; both: number } {
  const byFirst = sortedOrder(a, b)
  const sortedB = b.slice().sort()
  return {
    first: runs(byFirst.length, (i, j) => a[byFirst[i]!] === a[byFirst[j]!]),
    second: runs(sortedB.length, (i, j) => sortedB[i] === sortedB[j]),
    both: runs(byFirst.length, (i, j) => a[byFirst[i]!] === a[byFirst[j]!] && b[byFirst[i]!] === b[byFirst[j]!]),
  }
}

function sortedOrder(a: Float64Array, b: Float64Array): Int32Array {
  return Int32Array.from(a.keys()).sort((i, j) => a[i]! - a[j]! || b[i]! - b[j]!)
}

/** Sum of m (m - 1) / 2 over runs of equal neighbours. */
function runs(n: number, equal: (i: number, j: number) => boolean): number {
  let pairs = 0
  for (let from = 0; from < n; ) {
    let to = from + 1
    while (to < n && equal(from, to)) to++
    const m = to - from
    pairs += (m * (m - 1)) / 2
    from = to
  }
  return pairs
}

/** Inversions (earlier strictly larger than later) by bottom-up merge sort; sorts `values`. */
function countInversions(values: Float64Array, scratch: Float64Array): number {
  const n = values.length
  let inversions = 0
  for (let width = 1; width < n; width *= 2) {
    for (let left = 0; left < n; left += 2 * width) {
      const middle = Math.min(left + width, n)
      const right = Math.min(left + 2 * width, n)
      let i = left
      let j = middle
      for (let k = left; k < right; k++) {
        if (i < middle && (j >= right || values[i]! <= values[j]!)) scratch[k] = values[i++]!
        else {
          inversions += middle - i
          scratch[k] = values[j++]!
        }
      }
    }
    values.set(scratch)
  }
  return inversions
}
