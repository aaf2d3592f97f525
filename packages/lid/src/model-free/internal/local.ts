// One query's neighbourhood out of shared arrays: coordinates, inner products and distances only when asked for.
import type { FloatArray } from '@ood/core'
import { mismatch } from '@ood/core'
import { columnMeans, distancePoints, gram, pairSquares, productBound, squaredDistance } from '@ood/linalg'
import type { Neighbourhood } from '../neighbourhood.ts'
import type { Products } from './products.ts'
import { doublyCentre, withoutPoints } from './without-points.ts'

/** Everything neighbourhoods are made of. */
export interface Local {
  readonly raw: FloatArray
  readonly ambient: number
  readonly k: number
  /** Q x k. */
  readonly indices: Int32Array
  readonly distances: Float64Array
  /** Products of all rows, where they were computed. */
  readonly products: Products | undefined
  /** Squared distances between all rows, where they were computed. */
  readonly squares: Float64Array | undefined
  /** Rows of data: the order of `products` and `squares`. */
  readonly count: number
  /** `raw` holds distances between the rows instead of coordinates. */
  readonly isMatrix?: true
  /** Coordinates of the centres and the row of each (in order without rows); undefined where nobody knows them. */
  readonly centres: { readonly points: FloatArray; readonly rows: Int32Array | undefined } | undefined
}

/** Products are used while their error is below this share of the neighbourhood's mean squared radius. */
const TRUSTED = 1e-10
/** Largest whole set whose pairs are held at once. */
const LARGEST_SET = 8192

const scratch = { gram: new Float64Array(0), pairs: new Float64Array(0), points: new Float64Array(0) }

/** Numbers reused for every neighbourhood: allocating 80 kB a point costs more than filling them. */
function reused(what: 'gram' | 'pairs' | 'points', length: number): Float64Array {
  if (scratch[what].length !== length) scratch[what] = new Float64Array(length)
  return scratch[what]
}

/**
 * The neighbourhoods of a table, one query at a time. Products and pairs of one are valid until another is asked for its
 * own. With `passing`, for rules known to keep nothing, all of them are one object over the same few arrays: making
 * and collecting new ones costs more than a cheap rule.
 */
export function localNeighbourhoods(local: Local, passing = false): (q: number) => Neighbourhood {
  const { ambient, k, indices, distances } = local
  if (local.isMatrix)
    return (q) =>
      withoutPoints(k, ambient, distances.subarray(q * k, (q + 1) * k), () =>
        squaresBetween(local, indices.subarray(q * k, (q + 1) * k)),
      )
  if (!passing) return (q) => oneNeighbourhood(local)(q)
  return oneNeighbourhood(local, new Float64Array(k))
}

/** Sets one neighbourhood to query q; `room` takes its distances where they need not last. */
function oneNeighbourhood(local: Local, room?: Float64Array): (q: number) => Neighbourhood {
  const { ambient, k, indices, distances } = local
  let query = 0
  let rows: Int32Array | undefined
  let near = room
  let points: Float64Array | undefined
  let inner: Float64Array | undefined
  let pairs: Float64Array | undefined
  let squared: Float64Array | undefined
  const rowsHere = (): Int32Array => {
    rows ??= indices.subarray(query * k, (query + 1) * k)
    return rows
  }
  const coordinates = (): Float64Array => {
    points ??= takeRows(local, rowsHere(), room ? reused('points', k * ambient) : new Float64Array(k * ambient))
    return points
  }
  const neighbourhood: Neighbourhood = {
    count: k,
    ambient,
    get points() {
      return coordinates()
    },
    get distances() {
      near ??= distances.subarray(query * k, (query + 1) * k)
      return near
    },
    gram() {
      inner ??= fromProducts(local, rowsHere()) ?? fromPoints(coordinates(), k, ambient)
      return inner
    },
    pairSquares() {
      pairs ??= fromSquares(local, rowsHere()) ?? pairSquares(coordinates(), k, ambient, reused('pairs', k * k))
      return pairs
    },
    squares() {
      squared ??= centreSquares(local, query)
      return squared
    },
  }
  return (q) => {
    query = q
    rows = points = inner = pairs = squared = undefined
    if (room) for (let j = 0; j < k; j++) room[j] = distances[q * k + j]!
    return neighbourhood
  }
}

/** Squares of the distances between some rows. */
function squaresBetween({ raw, count }: Local, rows: Int32Array): Float64Array {
  const k = rows.length
  const out = new Float64Array(k * k)
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) out[i * k + j] = raw[rows[i]! * count + rows[j]!]! ** 2
  return out
}

/** Squared distances between some rows out of those of all. */
function fromSquares({ squares, count }: Local, rows: Int32Array): Float64Array | undefined {
  if (!squares) return undefined
  const k = rows.length
  const out = reused('pairs', k * k)
  for (let i = 0; i < k; i++) {
    const from = rows[i]! * count
    for (let j = 0; j < k; j++) out[i * k + j] = squares[from + rows[j]!]!
  }
  return out
}

/** Exact squared distances to the centre; of a table made by hand, without its centres, the distances squared. */
function centreSquares(local: Local, q: number): Float64Array {
  const { raw, ambient, k, indices, distances, centres } = local
  if (!centres) return distances.slice(q * k, (q + 1) * k).map((distance) => distance * distance)
  const at = (centres.rows ? centres.rows[q]! : q) * ambient
  return Float64Array.from({ length: k }, (_, j) =>
    squaredDistance(centres.points, at, raw, indices[q * k + j]! * ambient, ambient),
  )
}

/** Inner products about the mean of any neighbourhood. */
export function gramOf(neighbourhood: Neighbourhood): Float64Array {
  if (neighbourhood.gram) return neighbourhood.gram()
  const { points, count, ambient } = neighbourhood
  assertHoldable(count)
  return fromPoints(points, count, ambient)
}

/** Squared distances between the points of any neighbourhood, exact: bit-equal for tied pairs, 0 between copies. */
export function pairSquaresOf(neighbourhood: Neighbourhood): Float64Array {
  if (neighbourhood.pairSquares) return neighbourhood.pairSquares()
  const { points, count, ambient } = neighbourhood
  assertHoldable(count)
  return pairSquares(points, count, ambient)
}

/** Squared distances of any neighbourhood's points to the centre, ascending; exact where its coordinates are known. */
export function squaresOf(neighbourhood: Neighbourhood): Float64Array {
  return neighbourhood.squares?.() ?? neighbourhood.distances.map((distance) => distance * distance)
}

function assertHoldable(count: number): void {
  if (count > LARGEST_SET)
    throw mismatch(
      'E_ARGUMENT',
      'whole set',
      `at most ${LARGEST_SET} points held in pairs (or the estimator's own function of the data)`,
      count,
    )
}

function takeRows({ raw, ambient }: Local, rows: Int32Array, out: Float64Array): Float64Array {
  for (let i = 0, at = 0; i < rows.length; i++) {
    const from = rows[i]! * ambient
    // A view for `set` costs as much as copying dozens of numbers.
    if (ambient > 64) out.set(raw.subarray(from, from + ambient), i * ambient)
    else for (let j = 0; j < ambient; j++) out[at++] = raw[from + j]!
  }
  return out
}

/** From products of all rows, unless these rows lie so close together that rounding would show. */
function fromProducts({ products, count, ambient }: Local, rows: Int32Array): Float64Array | undefined {
  if (!products) return undefined
  const { values, unitRoundoff } = products
  const k = rows.length
  const out = reused('gram', k * k)
  let longest = 0
  for (let i = 0; i < k; i++) {
    const from = rows[i]! * count
    longest = Math.max(longest, values[from + rows[i]!]!)
    for (let j = 0; j <= i; j++) {
      const value = values[from + rows[j]!]!
      out[i * k + j] = value
      out[j * k + i] = value
    }
  }
  doublyCentre(out, k)
  const bound = productBound(ambient, unitRoundoff, 2 * Math.sqrt(longest))
  let trace = 0
  for (let i = 0; i < k; i++) trace += out[i * k + i]!
  return bound <= TRUSTED * (trace / k) ? out : undefined
}

function fromPoints(points: Float64Array, count: number, ambient: number): Float64Array {
  const { centred } = distancePoints(points, count, ambient, columnMeans(points, count, ambient))
  return gram(centred, ambient, count, { transposed: true })
}
