// Special functions of the estimators: digamma, modified Bessel functions, Lambert's W.

/** ψ(x) for x > 0: shift up to x >= 10 by ψ(x + 1) = ψ(x) + 1/x, then the asymptotic series (next term below 1e-13). */
export function digamma(x: number): number {
  let shift = 0
  let y = x
  while (y < 10) shift -= 1 / y++
  const s = 1 / (y * y)
  const series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - (s * 691) / 32760)))))
  return shift + Math.log(y) - 0.5 / y - series
}

/** log I_0(x) and I_1(x) / I_0(x) for x >= 0: power series up to 30, beyond it the asymptotic series (error 1e-14). */
export function besselI(x: number): { logI0: number; ratio: number } {
  if (x <= 30) {
    const q = (x * x) / 4
    let term = 1
    let zero = 1
    let one = 1
    for (let m = 1; term > 1e-17 * zero; m++) {
      term *= q / (m * m)
      zero += term
      one += term / (m + 1)
    }
    return { logI0: Math.log(zero), ratio: ((x / 2) * one) / zero }
  }
  const zero = asymptotic(x, 0)
  return { logI0: x - 0.5 * Math.log(2 * Math.PI * x) + Math.log(zero), ratio: asymptotic(x, 1) / zero }
}

/** I_ν(x) √(2πx) e^{-x} = 1 - (μ-1)/(8x) + (μ-1)(μ-9)/(2! (8x)²) - ..., μ = 4ν², cut at its smallest term. */
function asymptotic(x: number, order: number): number {
  const mu = 4 * order * order
  let term = 1
  let sum = 1
  for (let m = 1; m < 40; m++) {
    const next = (-term * (mu - (2 * m - 1) ** 2)) / (m * 8 * x)
    if (Math.abs(next) >= Math.abs(term)) break
    term = next
    sum += term
  }
  return sum
}

/** The principal branch W_0(x) for x >= 0, W e^W = x, by Halley's iteration; also for x beyond e^700 by its logarithm. */
export function lambertW(x: number): number {
  if (x === 0) return 0
  if (x === Number.POSITIVE_INFINITY) return x
  const logX = Math.log(x)
  if (x > 3) {
    // w + log w = log x, Newton: contraction without overflow.
    let w = logX - Math.log(logX)
    for (let step = 0; step < 20; step++) {
      const next = w - (w + Math.log(w) - logX) / (1 + 1 / w)
      if (Math.abs(next - w) <= 1e-15 * Math.abs(next)) return next
      w = next
    }
    return w
  }
  let w = Math.log1p(x) * 0.8
  for (let step = 0; step < 20; step++) {
    const e = Math.exp(w)
    const f = w * e - x
    const next = w - f / (e * (w + 1) - ((w + 2) * f) / (2 * w + 2))
    if (Math.abs(next - w) <= 1e-15 * Math.abs(next)) return next
    w = next
  }
  return w
}

/**
 * The root of a decreasing function on (0, ∞) by bisection on the logarithm, `high` as upper limit: returned when the
 * function is still positive there.
 */
export function decreasingRoot(f: (d: number) => number, high: number): number {
  if (f(high) >= 0) return high
  let top = Math.log(high)
  let bottom = top
  while (f(Math.exp(bottom)) < 0 && bottom > -700) bottom -= 2
  while (top - bottom > 1e-15 * Math.max(1, Math.abs(top))) {
    const middle = (top + bottom) / 2
    if (middle <= bottom || middle >= top) break
    if (f(Math.exp(middle)) >= 0) bottom = middle
    else top = middle
  }
  return Math.exp((top + bottom) / 2)
}
