// A monotone cubic through equally spaced points, with slope and inverse (Fritsch & Carlson 1980).

/** An increasing C1 curve on [0, h (n - 1)]; outside it is continued by the end slopes' sides, clamped. */
interface MonotoneCurve {
  value(t: number): number
  slope(t: number): number
  /** The t with value(t) = y, clamped to the ends. */
  inverse(y: number): number
}

/** The monotone cubic through (i h, values[i]), `values` increasing. */
export function monotoneCubic(values: Float64Array, h: number): MonotoneCurve {
  const n = values.length
  const secant = (i: number) => (values[i + 1]! - values[i]!) / h
  // Harmonic means of neighbouring secants keep the curve monotone; at the ends the one-sided parabola, limited.
  const slopes = Float64Array.from({ length: n }, (_, i) => {
    if (n === 2) return secant(0)
    if (i === 0) return end(secant(0), secant(1))
    if (i === n - 1) return end(secant(n - 2), secant(n - 3))
    const a = secant(i - 1)
    const b = secant(i)
    return a * b <= 0 ? 0 : (2 * a * b) / (a + b)
  })
  const locate = (t: number) => {
    const i = Math.min(n - 2, Math.max(0, Math.floor(t / h)))
    return { i, u: Math.min(1, Math.max(0, t / h - i)) }
  }
  const value = (t: number) => {
    const { i, u } = locate(t)
    const [y0, y1] = [values[i]!, values[i + 1]!]
    const [m0, m1] = [slopes[i]! * h, slopes[i + 1]! * h]
    // y0 plus what is added: no cancellation near 0.
    return y0 + u * (m0 + u * (3 * (y1 - y0) - 2 * m0 - m1 + u * (2 * (y0 - y1) + m0 + m1)))
  }
  const slope = (t: number) => {
    const { i, u } = locate(t)
    const [y0, y1] = [values[i]!, values[i + 1]!]
    const [m0, m1] = [slopes[i]! * h, slopes[i + 1]! * h]
    return (m0 + u * (2 * (3 * (y1 - y0) - 2 * m0 - m1) + 3 * u * (2 * (y0 - y1) + m0 + m1))) / h
  }
  const inverse = (y: number) => {
    if (y <= values[0]!) return 0
    if (y >= values[n - 1]!) return h * (n - 1)
    let low = 0
    let high = n - 1
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (values[middle]! <= y) low = middle
      else high = middle
    }
    // Newton from the secant's guess, kept inside the bracket by bisection.
    let [a, b] = [low * h, high * h]
    let t = a + ((y - values[low]!) / (values[high]! - values[low]!)) * h
    for (let k = 0; k < 60; k++) {
      const gap = value(t) - y
      if (gap > 0) b = t
      else a = t
      const step = gap / slope(t)
      const next = t - step
      const inside = next > a && next < b ? next : (a + b) / 2
      if (Math.abs(inside - t) <= 1e-16 * (1 + Math.abs(t))) return inside
      t = inside
    }
    return t
  }
  return { value, slope, inverse }
}

/** Slope at an end from the nearest two secants, between 0 and three times the nearest. */
function end(near: number, next: number): number {
  const slope = (3 * near - next) / 2
  return Math.min(Math.max(0, slope), 3 * near)
}
