// Points whitened and put on the unit sphere, and how many others lie beyond each one's discriminant.
import { distancePoints, dominantEigenvectors, gram, matmul } from '@ood/linalg'
import type { Neighbourhood } from '../neighbourhood.ts'
import { gramOf, pairSquaresOf } from './local.ts'

/** Whitened points as unit vectors, n x components; the zero vector for a point at the mean. */
export function sphere(
  neighbourhood: Neighbourhood,
  condition: number,
): { directions: Float64Array; components: number } {
  const { count: n, ambient } = neighbourhood
  const directions =
    n <= ambient || neighbourhood.gram
      ? fromGram(gramOf(neighbourhood), n, condition)
      : fromCovariance(neighbourhood, condition)
  const components = directions.length / n
  for (let i = 0; i < n; i++) {
    const to = (i + 1) * components
    let squares = 0
    for (let at = i * components; at < to; at++) squares += directions[at]! * directions[at]!
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0
    for (let at = i * components; at < to; at++) directions[at] = directions[at]! * scale
  }
  return { directions, components }
}

/** Eigenvectors of the Gram matrix are the whitened scores, up to one factor. */
function fromGram(G: Float64Array, n: number, condition: number): Float64Array {
  const { values, vectors } = dominantEigenvectors(G, n, 1 / condition)
  return transposed(vectors, values.length, n)
}

function fromCovariance({ points, count: n, ambient }: Neighbourhood, condition: number): Float64Array {
  const { centred } = distancePoints(points, n, ambient)
  const { values, vectors } = dominantEigenvectors(gram(centred, n, ambient), ambient, 1 / condition)
  const scores = matmul(centred, vectors, n, ambient, values.length, { transposedB: true })
  for (let i = 0; i < n; i++)
    for (let l = 0; l < values.length; l++)
      scores[i * values.length + l] = scores[i * values.length + l]! / Math.sqrt(values[l]!)
  return scores
}

function transposed(A: Float64Array, rows: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = A[i * cols + j]!
  return out
}

/** Rows of a block of products. */
const BLOCK = 512
/** Directions of copies differ by rounding; only above this product are two points looked at closely. */
const NEARLY_ONE = 1 - 1e-6

/**
 * For each margin α and point i, the points j with x_i · x_j > α, alphas.length x n. Copies of i are not among them.
 */
export function countBeyond(
  X: Float64Array,
  n: number,
  m: number,
  alphas: Float64Array,
  areCopies: (i: number, j: number) => boolean,
): Float64Array {
  // Row a of the bins holds products above alphas[a - 1] and not above alphas[a]; summed from the top they are counts.
  const counts = new Float64Array(alphas.length * n)
  const lowest = alphas[0]!
  for (let from = 0; from < n; from += BLOCK) {
    const rows = Math.min(BLOCK, n - from)
    const width = n - from
    const whole = from === 0 && rows === n
    const left = X.subarray(from * m, (from + rows) * m)
    const dots = whole
      ? gram(X, m, n, { transposed: true })
      : matmul(left, X.subarray(from * m), rows, m, width, { transposedB: true })
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < width; j++) {
        const value = dots[i * width + j]!
        if (!(value > lowest)) continue
        if (value > NEARLY_ONE && areCopies(from + i, from + j)) continue
        let a = 0
        while (a + 1 < alphas.length && value > alphas[a + 1]!) a++
        counts[a * n + from + i]!++
        counts[a * n + from + j]!++
      }
    }
  }
  for (let a = alphas.length - 2; a >= 0; a--)
    for (let i = 0; i < n; i++) counts[a * n + i] = counts[a * n + i]! + counts[(a + 1) * n + i]!
  return counts
}

/** Whether two points of a neighbourhood are equal, read off their coordinates, or off distances where there are none. */
export function copiesIn(neighbourhood: Neighbourhood): (i: number, j: number) => boolean {
  const { count, ambient } = neighbourhood
  let points: Float64Array | undefined
  return (i, j) => {
    if (neighbourhood.coordinates === false) return pairSquaresOf(neighbourhood)[i * count + j] === 0
    points ??= neighbourhood.points
    for (let l = 0; l < ambient; l++) if (points[i * ambient + l] !== points[j * ambient + l]) return false
    return true
  }
}
