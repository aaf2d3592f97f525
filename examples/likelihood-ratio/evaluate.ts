// Turns measured sets and frozen choices into AUCs and decisions. Nothing here feeds back into a choice.
import { auroc, delongInterval, delongTest } from '@ood/roc'
import { type Decisions, decide } from '../common/decisions.ts'
import { type Choices, type Method, methods, type Scores, scoresOf } from './choose.ts'
import { type SetName, setNames } from './images.ts'
import type { Measured } from './measure.ts'

/** Decisions at one threshold. */
export interface Decided extends Decisions {
  threshold: number
}

/** One score of one direction. */
export interface MethodResult {
  /** Probability that an OOD image scores higher than an in-distribution test image. */
  auc: number
  /** Its 95 % DeLong interval, symmetric in log odds. */
  interval: [number, number]
  /** At the threshold of the contaminated batch. */
  contaminated: Decided
  /** At the threshold of in-distribution images alone. */
  clean: Decided
}

/** Everything evaluated in one direction. */
export interface Evaluation {
  scores: Record<SetName, Scores>
  results: Record<Method, MethodResult>
  /** AUC of the ratio minus that of the likelihood, on the same images, with its standard error (DeLong). */
  gain: { difference: number; standardError: number }
}

/** Evaluates every score on the two test sets. */
export function evaluate(sets: Record<SetName, Measured>, choices: Choices): Evaluation {
  const scores = Object.fromEntries(
    setNames.map((name) => [name, scoresOf(sets[name], choices)]),
  ) as Evaluation['scores']
  const { in_distr_test: test, ood } = scores
  const results = methods.map((method): [Method, MethodResult] => {
    const { lower, upper } = delongInterval(ood[method], test[method], { scale: 'logit' })
    const at = (threshold: number): Decided => ({ threshold, ...decide(test[method], ood[method], threshold) })
    const { contaminated, clean } = choices.thresholds[method]
    return [
      method,
      {
        auc: auroc(ood[method], test[method]),
        interval: [lower, upper],
        contaminated: at(contaminated),
        clean: at(clean),
      },
    ]
  })
  const side = (method: Method) => ({ positives: ood[method], negatives: test[method] })
  const { difference, standardError } = delongTest(side('llr'), side('likelihood'))
  return { scores, results: Object.fromEntries(results) as Evaluation['results'], gain: { difference, standardError } }
}
