// Command-line options of the example, checked.
import { type CommonOptions, commonUsage, integer, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options extends CommonOptions {
  /** Network evaluations an image for each of the two estimates of the ratio. */
  probes: number
}

export const usage: string = `npm run example -- diffusion-ratio [options]

Two diffusion models, one trained on Fashion-MNIST and one on MNIST, score the other's images: likelihood by the
probability-flow ODE against the complexity-corrected likelihood ratio of denoising losses.

${commonUsage('diffusion-ratio', 64)}  --probes K         network evaluations an image for each estimate of the ratio (default 64, at least 24)
`

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const parsed = parseCommon(argv, { name: 'diffusion-ratio', n: 64, extra: ['probes'] }, env)
  if (!parsed) return undefined
  return { ...parsed.common, probes: integer('--probes', parsed.extra.probes ?? '64', 24) }
}
