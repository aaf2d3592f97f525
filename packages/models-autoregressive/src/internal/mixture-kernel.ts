// Log-probabilities of a discretised mixture of logistics on flat planes: the arithmetic that runs for every pixel.
import type { FloatArray } from '@ood/core'

/** Parameters as the graph gives them: planes of one number a pixel. */
export interface MixturePlanes<A extends FloatArray = FloatArray> {
  /** [N, M, H, W]. */
  logits: A
  /** [N, M, C, H, W], in the [-1, 1] frame. */
  locations: A
  /** [N, M, C, H, W], positive, in the [-1, 1] frame. */
  scales: A
  /** [N, M, C (C - 1) / 2, H, W], for several channels. */
  coefficients?: A | undefined
}

/** What the planes mean. */
interface MixtureSizes {
  components: number
  channels: number
  /** H W. */
  pixels: number
  low: number
  high: number
  channelDependence: 'normalized' | 'raw'
}

/** Below this the sum of probabilities may have lost components to underflow, and logarithms take over. */
const SMALL = 1e-130
/** Beyond this many scales a bin's probability is below e^-350, hence lost in a sum above `SMALL`. */
const FAR = 350
/** Bins of more than twice this many scales would take exp(-h) near underflow: NaN leads to the logarithms. */
const WIDE = 300
/** Keeps 1 / scale finite, so that no 0 * infinity arises where a location is met exactly. */
const MOST_INVERSE = 1e290

/**
 * Writes log P of `rows` rows of whole pixels `x` [rows, C, H W] to `out` from `at`, one number a pixel in nats.
 *
 * With t = (x - l) / s in the [-1, 1] frame and h = 1 / ((high - low) s), half a bin in scales, the probability of an
 * inner bin, F(t + h) - F(t - h) with the logistic F, is (1 - q²) / (1 + q² + q (e^t + e^-t)) with q = e^-h: two
 * exponentials, no difference that cancels. Components are summed as probabilities with one logarithm a pixel; the
 * pixels for which that sum underflows are done again with logarithms throughout.
 */
export function mixtureRows(
  planes: MixturePlanes,
  x: FloatArray,
  rows: number,
  sizes: MixtureSizes,
  out: Float64Array,
  at: number,
): void {
  const { logits, locations, scales, coefficients } = planes
  const { components: M, channels: C, pixels: P, low, high } = sizes
  const K = (C * (C - 1)) / 2
  const range = high - low
  const raw = sizes.channelDependence === 'raw'
  const unit = new Float64Array(C)
  /** What couples channels: the pixel as the manifest says. */
  const seen = raw ? new Float64Array(C) : unit
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < P; p++) {
      for (let c = 0; c < C; c++) {
        const value = x[(row * C + c) * P + p]!
        unit[c] = (2 * (value - low)) / range - 1
        if (raw) seen[c] = value
      }
      let top = Number.NEGATIVE_INFINITY
      for (let m = 0, i = row * M * P + p; m < M; m++, i += P) if (logits[i]! > top) top = logits[i]!
      let sum = 0
      let total = 0
      for (let m = 0; m < M; m++) {
        const component = row * M + m
        const weight = M === 1 ? 1 : Math.exp(logits[component * P + p]! - top)
        total += weight
        let probability = weight
        let k = component * K * P + p
        for (let c = 0; c < C; c++) {
          const i = (component * C + c) * P + p
          let location = locations[i]!
          for (let j = 0; j < c; j++, k += P) location += coefficients![k]! * seen[j]!
          const inverse = 1 / scales[i]!
          const t = (unit[c]! - location) * inverse
          const h = inverse / range
          const value = unit[c]!
          if (value <= -1) probability /= 1 + Math.exp(-t - h)
          else if (value >= 1) probability /= 1 + Math.exp(t - h)
          else if (h > WIDE) probability = Number.NaN
          else if (t > FAR || t < -FAR) probability = 0
          else {
            const r = Math.exp(t)
            const e = h < 1 ? Math.expm1(-h) : 0
            const q = h < 1 ? 1 + e : Math.exp(-h)
            const width = h < 1 ? -e * (2 + e) : 1 - q * q
            probability *= width / (1 + q * q + q * (r + 1 / r))
          }
        }
        sum += probability
      }
      out[at + row * P + p] = sum > SMALL ? Math.log(sum / total) : farPixel(planes, unit, seen, row, p, sizes)
    }
  }
}

/** The same for one pixel with logarithms throughout: exact however far the pixel lies from every component. */
function farPixel(
  { logits, locations, scales, coefficients }: MixturePlanes,
  unit: Float64Array,
  seen: Float64Array,
  row: number,
  p: number,
  { components: M, channels: C, pixels: P, low, high }: MixtureSizes,
): number {
  const K = (C * (C - 1)) / 2
  let joint = Number.NEGATIVE_INFINITY
  let total = Number.NEGATIVE_INFINITY
  for (let m = 0; m < M; m++) {
    const component = row * M + m
    const weight = logits[component * P + p]!
    total = logAddExp(total, weight)
    let log = weight
    let k = component * K * P + p
    for (let c = 0; c < C; c++) {
      const i = (component * C + c) * P + p
      let location = locations[i]!
      for (let j = 0; j < c; j++, k += P) location += coefficients![k]! * seen[j]!
      const inverse = Math.min(1 / scales[i]!, MOST_INVERSE)
      log += logBin((unit[c]! - location) * inverse, inverse / (high - low), unit[c]!)
    }
    joint = logAddExp(joint, log)
  }
  return joint - total
}

/** log P of one bin at t with half width h, both in scales; the outermost bins take their whole tail. */
function logBin(t: number, h: number, value: number): number {
  if (value <= -1) return logSigmoid(t + h)
  if (value >= 1) return logSigmoid(h - t)
  return (
    logSigmoid(t + h) + logSigmoid(h - t) + (h < 0.3 ? Math.log(-Math.expm1(-2 * h)) : Math.log1p(-Math.exp(-2 * h)))
  )
}

/** log(1 / (1 + e^-t)). */
function logSigmoid(t: number): number {
  return Math.min(t, 0) - Math.log1p(Math.exp(-Math.abs(t)))
}

/** log(e^a + e^b). */
function logAddExp(a: number, b: number): number {
  if (a === b) return a + Math.LN2
  const top = Math.max(a, b)
  return top + Math.log1p(Math.exp(Math.min(a, b) - top))
}
