// Statistics of a diffusion model and of a codec.
import { flatData, tensor } from '@ood/core'
import { array, type Statistic } from '@ood/detect'
import { codeLength, denoisingProfileOf } from '@ood/llr'
import type { Diffusion } from '@ood/models-diffusion'

/** Logarithms of the mean denoising loss at twelve noise levels. */
export function denoisingStatistic(model: Diffusion): Statistic {
  return {
    name: 'denoising losses',
    needs: { denoising: denoisingProfileOf(model) },
    values(columns) {
      const loss = array(columns, 'denoising.loss')
      return tensor(flatData(loss).map(Math.log), loss.shape)
    },
  }
}

/** Bits of the PNG file. */
export function codeStatistic(): Statistic {
  return { name: 'PNG bits', needs: { code: codeLength() }, values: (columns) => array(columns, 'code.bits') }
}
