// Detectors stored by version 0.1 of this package, in the form that `restoreDetector` of @ood/detect reads.
import { mismatch } from '@ood/core'
import { packNumbers, type StoredDetector } from '@ood/detect'
import type { PairRule } from './pair-rules.ts'
import type { RuleParameters } from './rules/pair-rule.ts'

/** What `pairDetector(...).toJSON()` gave. */
interface OldPairs {
  schemaVersion: 1
  name: 'LikelihoodLid'
  version: string
  rule: PairRule
  parameters: RuleParameters
  referenceScores: number[]
  threshold: number | null
}

/** What `likelihoodLidDetector(...).toJSON()` gave. */
interface OldDetector {
  schemaVersion: 1
  name: 'LikelihoodLidDetector'
  choice: { scale: number; rule: string; meanLid: number | null; diagnostics: Record<string, number> }
  pairs: OldPairs
}

/** Whether a parsed JSON value is a detector that version 0.1 of this package stored. */
function isOldStored(value: unknown): value is OldPairs | OldDetector {
  const { schemaVersion, name } = (value ?? {}) as { schemaVersion?: unknown; name?: unknown }
  return schemaVersion === 1 && (name === 'LikelihoodLid' || name === 'LikelihoodLidDetector')
}

/**
 * A detector stored by version 0.1 (`JSON.stringify` of `pairDetector(...)` or `likelihoodLidDetector(...)`) in today's
 * form, for `restoreDetector`.
 *
 * @param method - the method it will be restored with: the old form did not say estimator and scale rule
 * @throws OodError `E_FILE` for anything else
 * @example
 * const method = likelihoodLid({ model: flow, estimator: thresholdLid(flow), scale: scalingRegionScale })
 * const both = restoreDetector(upgradeStored(JSON.parse(text), method), method)
 */
export function upgradeStored(
  value: unknown,
  method: { readonly name: string; readonly settings: Readonly<Record<string, unknown>> },
): StoredDetector {
  if (!isOldStored(value))
    throw mismatch('E_FILE', 'detector state', 'LikelihoodLid or LikelihoodLidDetector, schemaVersion 1', value)
  const pairs = value.name === 'LikelihoodLid' ? value : value.pairs
  const { rule, parameters, referenceScores, threshold, version } = pairs
  if (!(Array.isArray(referenceScores) && referenceScores.length > 0 && referenceScores.every(Number.isFinite)))
    throw mismatch('E_FILE', 'detector state referenceScores', 'a list of finite numbers', referenceScores)
  const fit = { rule, parameters }
  return {
    format: 'ood-detector',
    schemaVersion: 2,
    version: version ?? '0.1.0',
    method: { name: method.name, settings: method.settings },
    models: {},
    fit: value.name === 'LikelihoodLid' ? fit : { choice: value.choice, pairs: fit },
    reference: packNumbers(Float64Array.from(referenceScores).sort()),
    referenceOf: 'training',
    threshold,
    outlierType: 'instance',
    compat: null,
    dataType: null,
    data: { shape: null, valueRange: null, rangeSource: null, wholeNumbers: null },
  }
}
