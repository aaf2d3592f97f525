// Statistics of a flow: its log-density, the terms that make it, and its local intrinsic dimension over scales.
import { flatData, type NdArray, tensor } from '@ood/core'
import { array, type Columns, type Measurement, measurement, type Statistic } from '@ood/detect'
import { artifactOf, linspace, thresholdDimension, thresholdLid } from '@ood/lid'
import type { Flow } from '@ood/models-flow'

/** Bands that the latents are cut into, in their own order: a multiscale flow has its coarse and fine latents apart. */
const BANDS = 8

/** Scales of the LID curve: from where noise directions still count to where few directions are left. */
const SCALES = linspace(-5, 2.2, 10)

/** Columns `logProb` (model space), `preprocessing` (log-determinant) and `bands` [N, 8], sums of z² by band. */
export function flowTermsOf(flow: Flow): Measurement {
  const d = flow.dimension
  const bands = Math.min(BANDS, d)
  return measurement(
    'flowTerms',
    [flow],
    { bands },
    ['logProb', 'preprocessing', 'bands'],
    async (x: NdArray, call) => {
      const { seed, rows, signal } = call ?? {}
      const options = {
        seed,
        rows,
        signal,
      }
      const { latents, logDet, preprocessingLogDet } = await flow.terms(x, options)
      const z = flatData(latents)
      const n = logDet.length
      const squares = new Float64Array(n * bands)
      const logProb = new Float64Array(n)
      for (let i = 0; i < n; i++) {
        let whole = 0
        for (let j = 0; j < d; j++) {
          const square = z[i * d + j]! ** 2
          whole += square
          const at = i * bands + Math.floor((j * bands) / d)
          squares[at] = squares[at]! + square
        }
        logProb[i] = -0.5 * whole - 0.5 * d * Math.log(2 * Math.PI) + logDet[i]!
      }
      return { logProb, preprocessing: preprocessingLogDet, bands: tensor(squares, [n, bands]) }
    },
  )
}

/** log p in model space, the preprocessing's log-determinant, and the latents' squares by band. */
export function flowStatistics(flow: Flow): Statistic[] {
  const needs = { terms: flowTermsOf(flow) }
  return [
    { name: 'flow log p', needs, values: (columns) => array(columns, 'terms.logProb') },
    { name: 'pixel values', needs, values: (columns) => array(columns, 'terms.preprocessing') },
    { name: 'flow latents', needs, values: (columns) => array(columns, 'terms.bands') },
  ]
}

/** Threshold LID at ten scales, of the decoder's Jacobian. */
export function flowLidStatistic(flow: Flow): Statistic {
  const estimator = thresholdLid(flow)
  return {
    name: 'flow LID curve',
    needs: { artifact: artifactOf({ estimator }) },
    values(columns: Columns) {
      const artifact = {
        diagonal: array(columns, 'artifact.diagonal'),
        offDiagonal: array(columns, 'artifact.offDiagonal'),
        rotated: array(columns, 'artifact.rotated'),
      }
      const n = artifact.diagonal.shape[0]!
      const out = new Float64Array(n * SCALES.length)
      SCALES.forEach((scale, k) => {
        thresholdDimension(artifact, scale).forEach((lid, i) => {
          out[i * SCALES.length + k] = lid
        })
      })
      return tensor(out, [n, SCALES.length])
    },
  }
}
