// Normalizing flows with random weights as diffeomorphisms: spline, affine and additive couplings between permutations.
import { mismatch, permutation, type Random, unknownName } from '@ood/core'
import { chain } from './diffeomorphisms.ts'
import { rationalQuadraticSpline, splineSize } from './internal/spline.ts'
import type { Diffeomorphism, PointMap } from './types.ts'

/** Sizes of a random flow. */
export interface RandomFlowOptions {
  /** `rqs`: rational quadratic splines (Durkan et al. 2019); `affine`: x exp(s) + t; `additive`: x + t. */
  coupling?: 'rqs' | 'affine' | 'additive' | undefined
  /** Coupling layers (5). */
  transforms?: number | undefined
  /** Width of the conditioners (32). */
  hidden?: number | undefined
  /** Residual blocks of the conditioners (2; the published sets use 32). */
  blocks?: number | undefined
  /** Spline bins (10) on [-bound, bound] (10), the identity outside. */
  bins?: number | undefined
  bound?: number | undefined
}

/**
 * A coupling flow with random weights (`RQNSF` of the published LID benchmark): each layer permutes the coordinates, keeps the first half
 * and transforms the others given it. Conditioners are residual tanh networks, so the map is smooth; their weights are
 * N(0, 1 / fan-in), residual branches scaled by 1 / sqrt(blocks) so that depth does not blow them up.
 *
 * Cost of a point: transforms x (blocks x 2 hidden² + D hidden (3 bins) / 2) multiplications.
 *
 * @throws OodError `E_ARGUMENT`, or `E_UNKNOWN_NAME` for another coupling
 */
export function randomFlow(options: RandomFlowOptions = {}): Diffeomorphism {
  const { coupling = 'rqs', transforms = 5, hidden = 32, blocks = 2, bins = 10, bound = 10 } = options
  const kinds = ['rqs', 'affine', 'additive']
  if (!kinds.includes(coupling)) throw unknownName('randomFlow coupling', coupling, kinds)
  for (const [what, value] of Object.entries({ transforms, hidden, blocks, bins }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw mismatch('E_ARGUMENT', `randomFlow ${what}`, 'a positive integer', value)
  const each = coupling === 'rqs' ? splineSize(bins) : coupling === 'affine' ? 2 : 1
  return (rng, d) =>
    chain(
      Array.from({ length: transforms }, (_, i): PointMap => {
        const draw = rng.fork(`transform ${i}`)
        const order = permutation(draw, d)
        const half = Math.floor(d / 2)
        const net = residualNet(draw, half, (d - half) * each, hidden, blocks)
        const kept = new Float64Array(half)
        const moved = new Float64Array(d)
        return (x) => {
          for (let j = 0; j < d; j++) moved[j] = x[order[j]!]!
          kept.set(moved.subarray(0, half))
          const raw = net(kept)
          for (let j = half; j < d; j++) {
            const params = raw.subarray((j - half) * each, (j - half + 1) * each)
            const value = moved[j]!
            if (coupling === 'rqs') moved[j] = rationalQuadraticSpline(value, params, bins, bound)
            else if (coupling === 'affine') moved[j] = value * Math.exp(Math.tanh(params[0]!)) + params[1]!
            else moved[j] = value + params[0]!
          }
          x.set(moved)
        }
      }),
    )
}

interface Dense {
  weight: Float64Array
  bias: Float64Array
}

function residualNet(
  rng: Random,
  inputs: number,
  outputs: number,
  hidden: number,
  blocks: number,
): (x: Float64Array) => Float64Array {
  const layer = (from: number, to: number): Dense => ({
    weight: Float64Array.from({ length: from * to }, () => rng.normal() / Math.sqrt(Math.max(1, from))),
    bias: Float64Array.from({ length: to }, () => 0.1 * rng.normal()),
  })
  const first = layer(inputs, hidden)
  const pairs = Array.from({ length: blocks }, () => [layer(hidden, hidden), layer(hidden, hidden)] as const)
  const last = layer(hidden, outputs)
  const branch = 1 / Math.sqrt(blocks)
  const h = new Float64Array(hidden)
  const active = new Float64Array(hidden)
  const middle = new Float64Array(hidden)
  const out = new Float64Array(outputs)
  const activate = (from: Float64Array): Float64Array => {
    for (let j = 0; j < hidden; j++) active[j] = Math.tanh(from[j]!)
    return active
  }
  return (x) => {
    dense(first, x, h)
    for (const [one, two] of pairs) {
      dense(one, activate(h), middle)
      dense(two, activate(middle), middle)
      for (let j = 0; j < hidden; j++) h[j] = h[j]! + branch * middle[j]!
    }
    return dense(last, activate(h), out)
  }
}

function dense({ weight, bias }: Dense, x: Float64Array, out: Float64Array): Float64Array {
  const width = x.length
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = bias[i]!
    for (let j = 0; j < width; j++, at++) sum += weight[at]! * x[j]!
    out[i] = sum
  }
  return out
}
