// Pairs within radii in the WebAssembly module: float32 products count what they can tell, the rest is told exactly.
import type { DistancePoints } from '../neighbour-blocks.ts'
import { squaredDistance } from '../squared-distance.ts'
import { GROUP, groups, isShort, multiply, openSearch, share, TINY } from './short-products.ts'

/** Pairs i < j with j - i > gap strictly within each radius, or undefined where WebAssembly SIMD cannot be had. */
export function fastCounts(points: DistancePoints, radii: Float64Array, gap: number): Float64Array | undefined {
  const { count: n, ambient: d, squaredNorms, raw } = points
  if (n < 2 || radii.length === 0 || !isShort(d)) return undefined
  // Room for limits and counts, 4 bytes each, in the place of the heap.
  const search = openSearch(points, points, { rows: n, square: false, k: radii.length })
  if (!search) return undefined
  const { kernels, buffer, factor, width, height, low, spread, chosen, products, heap } = search
  const R = radii.length
  const within = new Float32Array(buffer, heap, R)
  const beyond = new Float32Array(buffer, heap + 4 * R, R)
  const counts = new Int32Array(buffer, heap + 8 * R, R)
  const unit = factor * factor
  const error = share(d)
  const out = new Float64Array(R)
  for (let q = 0; q < n; q += height) {
    const end = Math.min(n, q + height)
    multiply(search, undefined, q, end, q === 0, Math.floor(q / GROUP))
    for (let i = q; i < end; i++) {
      const norm = squaredNorms[i]! * unit
      for (let r = 0; r < R; r++) {
        const limit = radii[r]! * radii[r]! * unit
        within[r] = lessThan(limit - norm * (1 + error) - TINY)
        beyond[r] = -lessThan(norm * (1 - error) - limit - TINY)
        counts[r] = 0
      }
      const P = products + 4 * (i - q) * width
      const first = i + 1 + gap
      const whole = Math.min(groups(n) * GROUP, 4 * Math.ceil(first / 4))
      const open = kernels.countWithin(P, low, spread, whole, width, heap, heap + 4 * R, R, heap + 8 * R, chosen)
      const tell = (j: number): void => {
        const distance = Math.sqrt(squaredDistance(raw, i * d, raw, j * d, d))
        for (let r = 0; r < R; r++) if (distance < radii[r]!) out[r]!++
      }
      for (let j = first; j < Math.min(n, whole); j++) tell(j)
      const places = new Int32Array(buffer, chosen, open)
      for (let at = 0; at < open; at++) tell(places[at]!)
      for (let r = 0; r < R; r++) out[r] = out[r]! + counts[r]!
    }
  }
  return out
}

/** A little less, so that rounding to float32 does not make it more. */
function lessThan(value: number): number {
  return value - Math.abs(value) * 2 ** -22
}
