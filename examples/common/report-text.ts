// Phrases that the reports share: the facts of a run, intervals, shares, and what it means that a model's samples are flagged.
import { type ReportCell, shareText } from '@ood/plots'
import { delongInterval } from '@ood/roc'
import type { AucPair } from './judge.ts'
import { type Direction, dataSetTitle } from './splits.ts'

/** An AUC in words: alone, with its n, and the small type of a number in large type: its interval and n. */
export function aucWords(
  auc: number,
  { n, interval }: { n: number; interval?: readonly [number, number] },
): Record<'auc' | 'aucWithN' | 'note', string> {
  const range = interval && interval[0] < interval[1] ? `${rangeText(interval)}, ` : ''
  return { auc: shareText(auc), aucWithN: shareText(auc, { n }), note: `${range}n = ${n}` }
}

/** DeLong's 95 % interval of the AUC of log p alone: in-distribution images should be the likelier ones. */
export function likelihoodInterval(
  inside: { logProb: Float64Array },
  ood: { logProb: Float64Array },
): [number, number] {
  const { lower, upper } = delongInterval(inside.logProb, ood.logProb)
  return [lower, upper]
}

/** An interval in a cell of a table. DeLong's has no width when scores separate the images perfectly. */
export function rangeText([lower, upper]: readonly [number, number]): string {
  return lower === upper ? 'none (perfect)' : `${shareText(lower)} to ${shareText(upper)}`
}

/** The interval of an AUC as a sentence; `score` is what the AUC is of, such as `fitted score`. */
export function intervalText(score: string, interval: readonly [number, number]): string {
  return interval[0] === interval[1]
    ? `The ${score} separates these images perfectly, so its AUC has no interval.`
    : `DeLong 95 % interval of the ${score}'s AUC: ${rangeText(interval)}.`
}

/** A share in per cent. */
export function percentText(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** What the flagged share of generated images says: it is a statement about the model, not a false alarm. */
export function samplesText(
  model: string,
  inside: string,
  flagged: Record<'in_distr_test' | 'generated', number>,
): string {
  const { in_distr_test: test, generated } = flagged
  const how = generated > test ? 'more often than' : generated < test ? 'less often than' : 'as often as'
  return `The ${model}'s own samples are flagged ${how} ${inside} test images (${percentText(generated)} against ${percentText(test)}). They are not ${inside} images: where the two shares differ, so do the scores of samples and images, and the difference measures how unlike its training images the ${model}'s samples are.`
}

/** Rows of a table of AUCs: test images and generated images of each direction, against the other data set. */
export function againstRows<Result extends { direction: Direction }>(
  all: readonly Result[],
  cells: (result: Result, side: keyof AucPair) => ReportCell[],
): ReportCell[][] {
  return all.flatMap((result) =>
    (['inDistr', 'generated'] as const).map((side) => {
      const { inDistribution, ood } = result.direction
      const inside = side === 'inDistr' ? `${dataSetTitle[inDistribution]} test images` : 'generated images'
      return [`${inside} against ${dataSetTitle[ood]}`, ...cells(result, side)]
    }),
  )
}
