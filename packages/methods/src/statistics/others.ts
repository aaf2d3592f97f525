// Statistics of a diffusion model and of a codec.
import { flatData, tensor } from '@ood/core'
import { array, type Statistic } from '@ood/detect'
import { codeLength, denoisingProfileOf } from '@ood/llr'
import type { Diffusion } from '@ood/models-diffusion'

/** Regions along each side of an image, and groups of noise levels, whose losses are told apart. */
const GRID = 4
const BANDS = 4
/** Losses below this are as good as none: a region may hold no noise that the model gets wrong. */
const FLOOR = 1e-6

/** Logarithms of the mean denoising loss at twelve noise levels. */
export function denoisingStatistic(model: Diffusion): Statistic {
  return {
    name: 'denoising losses',
    needs: { denoising: denoisingProfileOf(model, { grid: GRID }) },
    values(columns) {
      const loss = array(columns, 'denoising.loss')
      return tensor(flatData(loss).map(Math.log), loss.shape)
    },
  }
}

/**
 * Logarithms of the denoising losses of 4 x 4 regions over four groups of noise levels: a part that does not belong there
 * costs little of the whole and much of its region. For images.
 */
export function denoisingRegionStatistic(model: Diffusion): Statistic {
  return {
    name: 'denoising by region',
    needs: { denoising: denoisingProfileOf(model, { grid: GRID }) },
    values(columns) {
      const regions = array(columns, 'denoising.regions')
      const [n, levels, cells] = regions.shape as [number, number, number]
      const bands = Math.min(BANDS, levels)
      const values = flatData(regions)
      const out = new Float64Array(n * bands * cells)
      for (let row = 0; row < n; row++)
        for (let level = 0; level < levels; level++)
          for (let c = 0; c < cells; c++) {
            const at = (row * bands + Math.floor((level * bands) / levels)) * cells + c
            out[at] = out[at]! + values[(row * levels + level) * cells + c]!
          }
      return tensor(
        out.map((sum) => Math.log(sum + FLOOR)),
        [n, bands * cells],
      )
    },
  }
}

/** Bits of the PNG file. */
export function codeStatistic(): Statistic {
  return { name: 'PNG bits', needs: { code: codeLength() }, values: (columns) => array(columns, 'code.bits') }
}
