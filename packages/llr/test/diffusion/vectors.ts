// Golden vectors beside the repository, when they are there.
import { readFileSync } from 'node:fs'
import { sharedPath } from '../../../../tools/shared.ts'

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

const path = sharedPath('vectors', 'dgm', 'cclr.json')
export const golden: RatioVectors | undefined = path ? JSON.parse(readFileSync(path, 'utf8')) : undefined

/** Suffix of a test name that explains a skip. */
export const absent = golden ? '' : ' (skipped: golden vectors absent)'
