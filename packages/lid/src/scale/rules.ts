// The scale rules by name, for configurations and stored detectors.
import { unknownName } from '@ood/core'
import { couplingScale } from './coupling.ts'
import { kneeScale } from './knee.ts'
import { plateauScale } from './plateau.ts'
import { scalingRegionScale } from './scaling-region.ts'
import type { ScaleRule } from './training-lid.ts'

/** Rules that need nothing but training points. */
export type ScaleRuleName = 'scalingRegion' | 'coupling' | 'knee' | 'plateau'

/** Every rule by its name; each with its default settings. */
export const scaleRules: Readonly<Record<ScaleRuleName, ScaleRule>> = {
  scalingRegion: (training) => scalingRegionScale(training),
  coupling: (training) => couplingScale(training),
  knee: (training) => kneeScale(training.curve()),
  plateau: (training) => plateauScale(training.curve()),
}

/** The rule called `name`. @throws OodError `E_UNKNOWN_NAME` listing the names there are */
export function scaleRule(name: string): ScaleRule {
  if (!Object.hasOwn(scaleRules, name)) throw unknownName('scale rule', name, Object.keys(scaleRules))
  return scaleRules[name as ScaleRuleName]
}
