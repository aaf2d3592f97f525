// The monotone rational quadratic spline of Durkan et al. 2019, forward only, with linear tails.

const MIN_WIDTH = 1e-3
const MIN_DERIVATIVE = 1e-3

/** Raw parameters of a spline with K bins: K widths, K heights, K - 1 inner derivatives. */
export function splineSize(bins: number): number {
  return 3 * bins - 1
}

/**
 * The spline at x: increasing and continuously differentiable on [-bound, bound], the identity outside. Widths and
 * heights are softmaxes of the first 2 K parameters, derivatives softplus of the rest, 1 at both ends.
 */
export function rationalQuadraticSpline(x: number, params: Float64Array, bins: number, bound: number): number {
  if (!(x > -bound && x < bound)) return x
  const width = shares(params, 0, bins, bound)
  const height = shares(params, bins, bins, bound)
  let left = -bound
  let bottom = -bound
  let k = 0
  let w = width(0)
  while (k < bins - 1 && x >= left + w) {
    left += w
    bottom += height(k)
    k += 1
    w = width(k)
  }
  const slopeAt = (knot: number): number =>
    knot === 0 || knot === bins ? 1 : MIN_DERIVATIVE + Math.log1p(Math.exp(params[2 * bins + knot - 1]!))
  const [h, d0, d1] = [height(k), slopeAt(k), slopeAt(k + 1)]
  const s = h / w
  const theta = Math.min(1, (x - left) / w)
  const mix = theta * (1 - theta)
  return bottom + (h * (s * theta * theta + d0 * mix)) / (s + (d0 + d1 - 2 * s) * mix)
}

/** Sizes of the bins: a softmax of `count` parameters from `start` on, with a floor, times the width of the domain. */
function shares(raw: Float64Array, start: number, count: number, bound: number): (bin: number) => number {
  let top = Number.NEGATIVE_INFINITY
  for (let j = start; j < start + count; j++) top = Math.max(top, raw[j]!)
  let sum = 0
  for (let j = start; j < start + count; j++) sum += Math.exp(raw[j]! - top)
  return (bin) => 2 * bound * (MIN_WIDTH + (1 - MIN_WIDTH * count) * (Math.exp(raw[start + bin]! - top) / sum))
}
