// Local PCA: intrinsic dimension from the covariance spectrum of each point's neighbours, or of the whole set.
import { assertOptions, type NdArray, rowCount } from '@ood/core'
import { splitOptions } from './internal/options.ts'
import { checkedLpcaOptions, LPCA_OPTIONS, type LpcaRuleOptions, lpcaDimension } from './lpca-dimension.ts'
import type { DimensionRule } from './neighbourhood.ts'
import { globalDimension, type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'
import { countAboveShare, covarianceSpectrum, explainedVariances } from './spectrum.ts'

/**
 * Local PCA as a rule for `pointwiseDimensions`, `globalDimension` and `modelFreeLid`.
 *
 * FO needs only the largest eigenvalue and one Sturm count; the other versions compute the spectrum, from the k x k
 * inner products where k <= D. The spectrum of k points has min(k - 1, D) values: their mean takes one away.
 * scikit-dimension keeps a k-th one, which is rounding noise around 0: with it maxgap always finds its largest gap at
 * k - 1, and Kaiser and broken_stick average over one more; `compat: 'scikit-dimension'` keeps a 0 there. A constant
 * column adds nothing to the spectrum and may be there.
 *
 * @throws OodError `E_UNKNOWN_NAME` for an unknown version, `E_ARGUMENT` for settings out of range
 * @example
 * await pointwiseDimensions(x, lpcaRule({ alphaFO: 0.001 }), { neighbours: 100 })
 */
export function lpcaRule(options: LpcaRuleOptions = {}): DimensionRule {
  assertOptions('lpcaRule', options, LPCA_OPTIONS)
  const checked = checkedLpcaOptions(options)
  const { version, alphaFO, compat } = checked
  return {
    name: `lPCA ${version}`,
    spec: { estimator: 'lpca', options: checked },
    dimension(neighbourhood) {
      const { count, ambient } = neighbourhood
      if (count < 2) return 0
      const spectrum = covarianceSpectrum(neighbourhood)
      if (version === 'FO') return countAboveShare(spectrum, alphaFO)
      const variances = explainedVariances(spectrum)
      const withZero = compat !== undefined && version !== 'Minka' && count <= ambient
      const kept = withZero ? Float64Array.of(...variances, 0) : variances
      return lpcaDimension(kept, { ...checked, samples: count })
    },
  }
}

/**
 * Pointwise local PCA of a data set: mean dimension over points, each from its own k neighbours (self excluded).
 *
 * The model-free target of scale selection is this with `subsample: 4096, neighbours: 1000, alphaFO: 0.001`. One
 * point costs O(k D min(k, D)), so give `queries` to estimate at a seeded subset of the points (neighbours still come from all of them); `standardError` says how well that fixes the mean. The estimate
 * depends on the size of the set, k and alphaFO: never compare values got with different ones.
 *
 * @param x - points [N, ...], any scale of values (FO does not depend on it)
 * @throws OodError `E_ARGUMENT` unless 1 <= neighbours < N
 * @example
 * const target = await lpca(images, { subsample: 4096, neighbours: 1000, alphaFO: 0.001, queries: 64, seed: 42 })
 * bisectScale(trainingLid(estimator, trainArtifact, 784).meanLidAt, target.mean)
 */
export function lpca(x: NdArray, options: LpcaRuleOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<LpcaRuleOptions, PointwiseOptions>('lpca', options, LPCA_OPTIONS)
  return pointwiseDimensions(x, lpcaRule(own), rest)
}

/**
 * Local PCA of a whole data set as one neighbourhood: its linear dimension.
 *
 * @throws OodError `E_EMPTY` without points
 * @example
 * lpcaGlobal(x, { alphaFO: 0.05 })
 */
export function lpcaGlobal(x: NdArray, options: LpcaRuleOptions = {}): number {
  return rowCount(x) === 1 ? 0 : globalDimension(x, lpcaRule(options))
}
