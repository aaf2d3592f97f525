// Laplace's approximation of the mass around a point as a method.
import type { DensityModel } from '@ood/core'
import type { Method } from '@ood/detect'
import { hessianSpectrum } from '../hessian-spectrum.ts'
import { probeMethod } from '../internal/density-rows.ts'
import { type LaplaceOptions, laplaceScores, laplaceSettings } from '../laplace.ts'

/**
 * Score = -(log p(x) - c Σ ln λ_i), λ the eigenvalues of the Hessian of -log p (`laplaceScores`): little mass around a
 * point scores high. Nothing is fitted. Cost: D Hessian products and 4/3 D³ a row.
 *
 * @throws OodError `E_ARGUMENT`; from measuring `E_UNSUPPORTED` for a density without second derivatives
 * @example
 * const method = laplaceMethod(flow, { negative: 'absolute' })
 */
export function laplaceMethod(model: DensityModel, options: LaplaceOptions = {}): Method<null> {
  const settings = laplaceSettings(options)
  return probeMethod(model, {
    name: 'Laplace',
    source: 'Kamkari et al. 2024',
    settings,
    column: 'score',
    async probe(x, call) {
      const { instance } = await model.density.logProb(x, { signal: call.signal })
      const { eigenvalues } = await hessianSpectrum(model.density, x, {
        signal: call.signal,
        onProgress: call.onProgress,
      })
      return laplaceScores(instance, eigenvalues, settings)
    },
    score: (value) => -value,
  })
}
