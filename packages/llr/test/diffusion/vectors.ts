// Golden vectors of the published diffusion ratio.
import { vector } from '../../../../tools/vectors.ts'

/** Parsed `vectors/dgm/cclr.json`. */
export interface RatioVectors {
  mean: number[]
  cov: number[][]
  x: number[]
  u: number[]
  eps: number[][]
  L: Record<string, { losses: number[]; mean: number }>
  score: Record<string, number>
  avg_loss_trend_t_frac_count10_gamma3: number[]
}

export const golden: RatioVectors = vector('dgm/cclr')
