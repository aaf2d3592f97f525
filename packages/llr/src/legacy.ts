// Detectors stored by version 0.1 of this package, in the form that `restoreDetector` of @ood/detect reads.
import { mismatch, unknownName } from '@ood/core'
import type { StoredDetector } from '@ood/detect'

/** Fields every detector of version 0.1 had. */
interface Old {
  schemaVersion: 1
  name: string
  version: string
  dataType: string | null
  compat: 'reference' | null
  threshold: number | null
  outlierType: 'instance' | 'feature'
  calibration: string | null
  calibrated: boolean
  data: StoredDetector['data']
  [field: string]: unknown
}

/** What each old detector's own fields were: settings of the method, and what it had learnt. */
const METHODS: Readonly<Record<string, (old: Old) => { settings: Record<string, unknown>; fit: unknown }>> = {
  NegativeLogLikelihood: () => ({ settings: {}, fit: null }),
  LLR: ({ convention, impossible }) => ({ settings: { convention, impossible }, fit: null }),
  Typicality: ({ entropy }) => ({ settings: {}, fit: entropy === null ? null : { entropy } }),
  WAIC: ({ variance, members }) => ({ settings: { variance, members }, fit: null }),
  InputComplexity: ({ codecs, count, levelWidth, compat }) => ({
    settings: { codecs, count, levelWidth, compat },
    fit: null,
  }),
  CCLR: ({ tFrac, rule, joint, form, weighting, sharing, probes, fractions, compat }) => {
    const spreads = joint as { whole: unknown; ratio: unknown } | null
    return {
      // The old detector scored with the strata of its t_frac alone, so that is the t_frac the method is given.
      settings: {
        tFrac,
        rule,
        form,
        weighting,
        sharing,
        probes,
        fractions: tFrac === null ? fractions : [tFrac],
        compat,
      },
      fit: tFrac === null ? null : { tFrac, joint: spreads && [spreads.whole, spreads.ratio], choice: null },
    }
  },
}

/** The old diffusion ratio took rows that were preprocessed; the method takes raw ones, whose range nothing says. */
const unknownData: StoredDetector['data'] = { shape: null, valueRange: null, rangeSource: null, wholeNumbers: null }

/**
 * A detector stored by version 0.1 (`JSON.stringify` of `likelihoodRatio(...)`, `typicality(...)`, `waic(...)`,
 * `negativeLogLikelihood(...)`, `inputComplexity(...)`, `diffusionRatio(...)`) in today's form.
 *
 * @throws OodError `E_FILE`, `E_UNKNOWN_NAME` for anything else
 * @example
 * const ratio = restoreDetector(upgradeStored(JSON.parse(text)), likelihoodRatio({ semantic, background }))
 */
export function upgradeStored(value: unknown): StoredDetector {
  const old = value as Old
  if (old?.schemaVersion !== 1) throw mismatch('E_FILE', 'detector state schemaVersion', '1', old?.schemaVersion)
  if (!Object.hasOwn(METHODS, String(old.name)))
    throw unknownName('stored detector', String(old.name), Object.keys(METHODS))
  const { settings, fit } = METHODS[old.name]!(old)
  return {
    format: 'ood-detector',
    schemaVersion: 2,
    version: old.version,
    method: { name: old.name, settings },
    models: {},
    fit,
    reference: old.calibration,
    referenceOf: old.calibration === null ? null : old.calibrated ? 'calibration' : 'threshold',
    threshold: old.threshold,
    outlierType: old.outlierType,
    // Of these two `compat` was the measurement's, never the p-values'.
    compat: old.name === 'CCLR' || old.name === 'InputComplexity' ? null : old.compat,
    dataType: old.dataType,
    data: old.name === 'CCLR' ? unknownData : old.data,
  }
}
