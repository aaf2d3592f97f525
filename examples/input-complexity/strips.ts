// Sheets of images: sorted by complexity, and ranked by either score.
import { concatRows, takeRows } from '@ood/core'
import { complexityScore } from '@ood/llr'
import { imageGrid } from '@ood/plots'
import type { DirectionResult } from './evaluate.ts'
import type { Scored, SetName } from './measure.ts'

/** Images in a row of the sheets. */
const STRIP = 16

/** Test images of both data sets from the simplest to the most complex, at even ranks. */
export function complexityStrips({ images, sets }: DirectionResult, label: Record<SetName, string>): string {
  return imageGrid({
    title: 'From the simplest to the most complex',
    range: [0, 255],
    columns: STRIP,
    groups: (['in_distr_test', 'ood'] as const).map((name) => {
      const { bits } = sets[name]
      const chosen = evenRanks(bits)
      const [low, high] = [bits[chosen[0]!]!, bits[chosen.at(-1)!]!]
      return {
        label: `${label[name]}: ${low.toFixed(0)} to ${high.toFixed(0)} bits`,
        images: takeRows(images[name], chosen),
      }
    }),
  })
}

/** Test images of both data sets together, from the least to the most OOD, by likelihood and by the score. */
export function rankedStrips({ images: of, sets, model }: DirectionResult): string {
  const { in_distr_test: inside, ood } = sets
  const images = concatRows([of.in_distr_test, of.ood])
  const both = (values: (set: Scored) => Float64Array) => Float64Array.of(...values(inside), ...values(ood))
  const strip = (label: string, scores: Float64Array) => ({
    label,
    images: takeRows(images, evenRanks(scores, 2 * STRIP)),
  })
  return imageGrid({
    title: 'Both data sets together, from least to most OOD',
    range: [0, 255],
    columns: STRIP,
    groups: [
      strip(
        `by likelihood alone (${model})`,
        both((set) => set.logProb.map((nats) => -nats)),
      ),
      strip(
        'by likelihood corrected for complexity',
        both((set) => complexityScore(set.logProb, set.bits)),
      ),
    ],
  })
}

/** Rows at even ranks of ascending values, the lowest and the highest among them. */
export function evenRanks(values: Float64Array, count: number = STRIP): number[] {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b)
  const n = Math.min(count, order.length)
  return Array.from({ length: n }, (_, i) => order[n === 1 ? 0 : Math.round((i * (order.length - 1)) / (n - 1))]!)
}
