// The built-in rules by name: how a worker thread makes the rule that the caller holds.
import { unknownName } from '@ood/core'
import { abidRule } from '../abid.ts'
import { corrIntRule } from '../corr-int.ts'
import { dancoRule } from '../danco.ts'
import { essRule } from '../ess.ts'
import { fisherRule } from '../fisher.ts'
import { grideRule } from '../gride.ts'
import { knnGraphRule } from '../knn-graph.ts'
import { lpcaRule } from '../lpca.ts'
import { madaRule } from '../mada.ts'
import { mindRule } from '../mind.ts'
import { mleRule } from '../mle.ts'
import { momRule } from '../mom.ts'
import type { DimensionRule, RuleSpec } from '../neighbourhood.ts'
import { tleRule } from '../tle.ts'
import { twoNnRule } from '../two-nn.ts'

const MAKERS: Record<string, (options: object) => DimensionRule> = {
  abid: abidRule,
  corrInt: corrIntRule,
  danco: dancoRule,
  ess: essRule,
  fisher: fisherRule,
  gride: grideRule,
  knnGraph: knnGraphRule,
  lpca: lpcaRule,
  mada: madaRule,
  mind: mindRule,
  mle: mleRule,
  mom: momRule,
  tle: tleRule,
  twoNn: twoNnRule,
}

/** Names of the built-in estimators. */
export const ESTIMATORS: readonly string[] = Object.keys(MAKERS)

/** The rule of a specification. */
export function ruleOf(spec: RuleSpec | undefined): DimensionRule {
  const make = spec && MAKERS[spec.estimator]
  if (!make) throw unknownName('estimator', spec?.estimator ?? '', ESTIMATORS)
  return make(spec.options)
}
