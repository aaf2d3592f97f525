// Running integrals of a function known at a few increasing nodes, as weights on its values.

/** Nodes of the polynomial through which an interval is integrated: cubic. */
const NODES = 4

/**
 * W with ∫_{x_0}^{x_i} f = Σ_j W[i][j] f(x_j): each interval integrates the cubic through the four nodes nearest to it
 * (all nodes, where there are fewer), which is exact for cubics and errs by O(h⁵) an interval.
 */
export function cumulativeWeights(x: ArrayLike<number>): Float64Array[] {
  const n = x.length
  const rows = [new Float64Array(n)]
  for (let i = 0; i + 1 < n; i++) {
    const row = rows[i]!.slice()
    const from = Math.max(0, Math.min(i - 1, n - NODES))
    const to = Math.min(n, from + NODES)
    const middle = (x[i]! + x[i + 1]!) / 2
    const half = (x[i + 1]! - x[i]!) / 2
    // Two Gauss nodes integrate a cubic exactly.
    for (const node of [middle - half / Math.sqrt(3), middle + half / Math.sqrt(3)])
      for (let j = from; j < to; j++) row[j] = row[j]! + half * lagrange(x, from, to, j, node)
    rows.push(row)
  }
  return rows
}

/** The polynomial that is 1 at node j and 0 at the others of from..to-1, at a point. */
function lagrange(x: ArrayLike<number>, from: number, to: number, j: number, at: number): number {
  let value = 1
  for (let k = from; k < to; k++) if (k !== j) value *= (at - x[k]!) / (x[j]! - x[k]!)
  return value
}
