// From sizes and log-likelihoods to AUCs, thresholds and shares. Nothing here chooses anything.
import { calibration as calibrationOf } from '@ood/detect'
import { complexityScore } from '@ood/llr'
import { auroc, delongInterval } from '@ood/roc'
import { mean } from '../common/splits.ts'
import { type SetName, setNames } from './images.ts'
import type { Sizes } from './measure.ts'

/** What is known about one set of a direction. */
export interface Scored extends Sizes {
  /** log p in nats. */
  logProb: Float64Array
}

/** How well one score tells the test images from the others. */
export interface Judged {
  /** Area under the ROC curve with OOD images as positives. */
  auc: number
  /** Its 95 % DeLong interval. */
  interval: [number, number]
  /** Shares above the threshold that 5 % of the calibration images are above. */
  flagged: { inDistr: number; ood: number }
}

/** One way to estimate complexity: a codec, or the smallest of all. */
export interface CodecResult extends Judged {
  codec: string
  /** Mean size in bytes. */
  bytes: Record<SetName, number>
  /** Share of images on which it is the smallest; null for the minimum itself. */
  wins: Record<SetName, number> | null
  /** AUC of "complex images are OOD", without any model. */
  alone: number
}

/** Everything about one direction. */
export interface Evaluation {
  likelihood: Judged
  /** Codecs that could encode every image; one that failed counts in the minimum only, where it did not. */
  codecs: CodecResult[]
  minimum: CodecResult
}

/** Share of in-distribution images that a threshold may flag. */
export const FALSE_POSITIVE_RATE = 0.05

/** Name of the smallest size over all codecs. */
export const MINIMUM = 'smallest of all'

/** Scores of every set: higher = more OOD. */
export function scoresBy(
  sets: Record<SetName, Scored>,
  bits: (set: Scored) => ArrayLike<number>,
): Record<SetName, Float64Array> {
  return bySet((set) => complexityScore(sets[set].logProb, bits(sets[set])))
}

/** Evaluates a direction whose sets have sizes by `codecs`. */
export function evaluate(sets: Record<SetName, Scored>, codecs: readonly string[]): Evaluation {
  const result = (codec: string, bits: (set: Scored) => Float64Array, k: number | undefined): CodecResult => ({
    codec,
    bytes: bySet((set) => mean(bits(sets[set])) / 8),
    wins: k === undefined ? null : bySet((set) => mean(Float64Array.from(sets[set].winner, (w) => (w === k ? 1 : 0)))),
    alone: auroc(bits(sets.ood), bits(sets.in_distr_test)),
    ...judge(scoresBy(sets, bits)),
  })
  const isComplete = (k: number) => setNames.every((set) => sets[set].bytes[k]!.every(Number.isFinite))
  return {
    likelihood: judge(bySet((set) => sets[set].logProb.map((nats) => -nats))),
    codecs: codecs.flatMap((codec, k) =>
      isComplete(k) ? [result(codec, (set) => set.bytes[k]!.map((bytes) => 8 * bytes), k)] : [],
    ),
    minimum: result(MINIMUM, (set) => set.bits, undefined),
  }
}

function judge(scores: Record<SetName, Float64Array>): Judged {
  const { in_distr_train: calibration, in_distr_test: inside, ood } = scores
  const rate = Math.max(FALSE_POSITIVE_RATE, 1 / calibration.length)
  const threshold = calibrationOf(calibration).threshold(rate)
  const above = (values: Float64Array) => values.filter((value) => value > threshold).length / values.length
  const { lower, upper } = delongInterval(ood, inside)
  return {
    auc: auroc(ood, inside),
    interval: [lower, upper],
    flagged: { inDistr: above(inside), ood: above(ood) },
  }
}

function bySet<T>(value: (set: SetName) => T): Record<SetName, T> {
  return Object.fromEntries(setNames.map((set) => [set, value(set)])) as Record<SetName, T>
}
