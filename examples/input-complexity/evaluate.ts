// From sizes and log-likelihoods to AUCs, thresholds and shares. Nothing here chooses anything.
import type { NdArray } from '@ood/core'
import { complexityScore } from '@ood/llr'
import { auroc } from '@ood/roc'
import { intervalOf, shareAbove, thresholdOf } from '../common/judge.ts'
import { byName, type Direction, mean } from '../common/splits.ts'
import { type Scored, type SetName, setNames } from './measure.ts'

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  /** What kind of model: `flow`, `PixelCNN++`. */
  model: string
  /** Names of the codecs, in the order of the sizes. */
  codecs: string[]
  images: Record<SetName, NdArray>
  sets: Record<SetName, Scored>
  evaluation: Evaluation
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

/** Name of the smallest size over all codecs. */
export const MINIMUM = 'smallest of all'

/** Scores of every set: higher = more OOD. */
export function scoresBy(
  sets: Record<SetName, Scored>,
  bits: (set: Scored) => ArrayLike<number>,
): Record<SetName, Float64Array> {
  return byName(setNames, (set) => complexityScore(sets[set].logProb, bits(sets[set])))
}

/** Evaluates a direction whose sets have sizes by `codecs`. */
export function evaluate(sets: Record<SetName, Scored>, codecs: readonly string[]): Evaluation {
  const result = (codec: string, bits: (set: Scored) => Float64Array, k: number | undefined): CodecResult => ({
    codec,
    bytes: byName(setNames, (set) => mean(bits(sets[set])) / 8),
    wins:
      k === undefined
        ? null
        : byName(setNames, (set) => mean(Float64Array.from(sets[set].winner, (w) => (w === k ? 1 : 0)))),
    alone: auroc(bits(sets.ood), bits(sets.in_distr_test)),
    ...judge(scoresBy(sets, bits)),
  })
  const isComplete = (k: number) => setNames.every((set) => sets[set].bytes[k]!.every(Number.isFinite))
  return {
    likelihood: judge(byName(setNames, (set) => sets[set].logProb.map((nats) => -nats))),
    codecs: codecs.flatMap((codec, k) =>
      isComplete(k) ? [result(codec, (set) => set.bytes[k]!.map((bytes) => 8 * bytes), k)] : [],
    ),
    minimum: result(MINIMUM, (set) => set.bits, undefined),
  }
}

function judge(scores: Record<SetName, Float64Array>): Judged {
  const { in_distr_train: heldOut, in_distr_test: inside, ood } = scores
  const threshold = thresholdOf(heldOut)
  return {
    auc: auroc(ood, inside),
    interval: intervalOf(ood, inside),
    flagged: { inDistr: shareAbove(inside, threshold), ood: shareAbove(ood, threshold) },
  }
}
