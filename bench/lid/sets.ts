// The data sets of the model-free part: the standard suite and a few of the published mixtures and toys.
import { benchmarkSuite } from '@ood/datasets'

/** Sets of the whole run. */
export const ALL_SETS: readonly string[] = [
  ...benchmarkSuite,
  'lollipop',
  'swiss_roll',
  'torus_circle',
  'klein_bottle',
  'affine_10D_5d_laplace',
  'affine_10D_2d4d8d_uniform',
  'squiggly_1_freq_10D_2d4d8d_uniform',
  'squiggly_10_freq_10D_2d4d8d_uniform',
  'RQNSF_10D_2d4d8d_uniform',
  'affine_100D_10d25d50d_uniform',
  'squiggly_1_freq_100D_10d25d50d_uniform',
]

/** Sets of `--quick`. */
export const QUICK_SETS: readonly string[] = ['lollipop', 'M1_Sphere', 'M7_Roll', 'affine_10D_2d4d8d_uniform']
