// Metropolis walks of many rows side by side, each confined to a ball around its row.
import {
  type CallOptions,
  flatData,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  type Random,
  tensor,
} from '@ood/core'
import { lpNorm, type Norm } from '../lp-ball.ts'
import { logMean } from './log-mean.ts'

/** Points evaluated together. */
const MOST_POINTS = 256
/** Share of accepted proposals that widths are adapted to: near the best for random walks in many dimensions. */
const ACCEPTED = 0.25

/** log p at offsets [rows, each, d] from the rows; only where `wanted`, 0 elsewhere. */
export type LogProbAround = (offsets: Float64Array, each: number, wanted?: Uint8Array) => Promise<Float64Array>

/** Evaluates a model around the rows of `x`. */
export function logProbAround(
  what: string,
  model: LikelihoodModel,
  x: NdArray,
  signal: CallOptions['signal'],
): LogProbAround {
  const centres = flatData(x)
  const shape = x.shape.slice(1)
  const d = shape.reduce((product, n) => product * n, 1)
  return async (offsets, each, wanted) => {
    const out = new Float64Array(offsets.length / d)
    const chosen = Array.from(out.keys()).filter((w) => !wanted || wanted[w] === 1)
    for (let from = 0; from < chosen.length; from += MOST_POINTS) {
      const block = chosen.slice(from, from + MOST_POINTS)
      const points = new Float64Array(block.length * d)
      for (const [k, w] of block.entries()) {
        const centre = Math.floor(w / each) * d
        for (let i = 0; i < d; i++) points[k * d + i] = centres[centre + i]! + offsets[w * d + i]!
      }
      const { instance } = await model.logProb(tensor(points, [block.length, ...shape]), { signal })
      for (const [k, w] of block.entries()) {
        const value = instance[k]!
        if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
          throw mismatch('E_NOT_FINITE', `${what} log p`, 'numbers', `${value} near row ${Math.floor(w / each)}`)
        out[w] = value
      }
    }
    return out
  }
}

/** Where all walks are; changed as they go on. */
export interface WalkState {
  /** Offsets from the rows, [rows, walks, d]. */
  readonly at: Float64Array
  readonly logProb: Float64Array
  readonly walkers: readonly Random[]
  readonly walks: number
  readonly d: number
}

/** One ball. */
export interface WalkPlan {
  inner: number
  outer: number
  p: Norm
  steps: number
  warmup: number
  proposal: number
  /** Called after every step, counted from 1. */
  step(done: number): void
}

/** What the counted steps saw. */
export interface WalkCounts {
  /** Steps in the inner ball, [rows, walks]. */
  visits: Float64Array
  /** ln of the mean density of those points, [rows]. */
  logDensity: Float64Array
  /** Sum over steps of the share of walks that moved, [rows]. */
  accepted: Float64Array
}

/** Runs all walks in the outer ball: proposals of one width a row, adapted during the warmup and kept afterwards. */
export async function walkInBall(state: WalkState, logProb: LogProbAround, plan: WalkPlan): Promise<WalkCounts> {
  const { at, logProb: here, walkers, walks, d } = state
  const { inner, outer, p, steps, warmup } = plan
  const rows = walkers.length / walks
  const width = new Float64Array(rows).fill((plan.proposal * outer) / Math.sqrt(d))
  const visits = new Float64Array(walkers.length)
  const densities = Array.from({ length: rows }, logMean)
  const accepted = new Float64Array(rows)
  const next = new Float64Array(at.length)
  const inside = new Uint8Array(walkers.length)
  for (let step = 0; step < warmup + steps; step++) {
    for (const [w, walker] of walkers.entries()) {
      const sigma = width[Math.floor(w / walks)]!
      for (let i = w * d; i < (w + 1) * d; i++) next[i] = at[i]! + sigma * walker.normal()
      inside[w] = lpNorm(next, p, w * d, d) <= outer ? 1 : 0
    }
    const there = await logProb(next, walks, inside)
    const moved = new Float64Array(rows)
    for (const [w, walker] of walkers.entries()) {
      const row = Math.floor(w / walks)
      const u = Math.log(1 - walker.uniform())
      if (inside[w] === 1 && u < there[w]! - here[w]!) {
        at.set(next.subarray(w * d, (w + 1) * d), w * d)
        here[w] = there[w]!
        moved[row] = moved[row]! + 1 / walks
      }
      if (step < warmup || lpNorm(at, p, w * d, d) > inner) continue
      visits[w] = visits[w]! + 1
      densities[row]!.add(here[w]!)
    }
    for (const [row, share] of moved.entries()) {
      if (step >= warmup) accepted[row] = accepted[row]! + share
      // Robbins and Monro's rule on the logarithm: widths a thousand times too large come down in thirty steps.
      else width[row] = width[row]! * Math.exp(share - ACCEPTED)
    }
    plan.step(step + 1)
  }
  return { visits, logDensity: Float64Array.from(densities, (mean) => mean.value()), accepted }
}
