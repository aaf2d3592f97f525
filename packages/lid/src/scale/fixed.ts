// Scale by decree: a constant, as the published dual-threshold tables use (-3).
import { assertNumber } from '../internal/check.ts'
import type { ScaleChoice } from './training-curve.ts'

/**
 * A given scale as a choice (the reference's own call crashes for want of the argument).
 *
 * @param scale - log of a standard deviation (default -3, the value of the published tables)
 * @throws OodError `E_ARGUMENT` for a scale that is not finite
 * @example
 * fixedScale(-3)
 */
export function fixedScale(scale = -3): ScaleChoice {
  assertNumber('fixedScale', scale)
  return { scale, rule: 'fixed', meanLid: null, trace: [], diagnostics: {} }
}
