// The choice of t_frac. This file is handed losses of training images, upright and turned, and nothing else.
import {
  couplingFraction,
  type DenoisingLosses,
  type FractionChoice,
  leastVarianceFraction,
  separationFraction,
} from '@ood/llr'
import type { TurnName } from './losses.ts'

/** Rules compared in the report; the first is the default. */
export const fractionRules = ['separation', 'coupling', 'leastVariance'] as const
export type FractionRule = (typeof fractionRules)[number]

/**
 * Rule of the headline figures: where upright training images are best told from the same images turned. A turn changes
 * no pixel value and no neighbourhood, so it asks at which noise level the model knows content.
 */
export const DEFAULT_RULE: FractionRule = 'separation'

/** Applies every rule. */
export function chooseFractions(
  train: DenoisingLosses,
  turned: Record<TurnName, DenoisingLosses>,
): Record<FractionRule, FractionChoice> {
  return {
    separation: separationFraction(train, [turned.quarter, turned.half]),
    coupling: couplingFraction(train),
    leastVariance: leastVarianceFraction(train),
  }
}
