// Command-line options of the example, checked.
import { mismatch } from '@ood/core'
import { type CommonOptions, commonUsage, integer, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options extends CommonOptions {
  /** Random probes a trace at the chosen scale; the curves use a quarter of them. */
  probes: number
  /** Noised copies of each image for the normal bundle; 0 leaves the method out. */
  scores: number
}

export const usage: string = `npm run example -- diffusion-lid [options]

Two diffusion models, one trained on Fashion-MNIST and one on MNIST, score the other's images: likelihood by the
probability-flow ODE, LID by FLIPD and by the normal bundle.

${commonUsage('diffusion-lid', 32)}  --probes K         random probes of FLIPD's trace at the chosen scale (default 50)
  --scores K         scores an image for the normal bundle (default 784 = D; the reference takes 3136); 0: without it
`

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const parsed = parseCommon(argv, { name: 'diffusion-lid', n: 32, extra: ['probes', 'scores'] }, env)
  if (!parsed) return undefined
  const { common, extra } = parsed
  const scores = integer('--scores', extra.scores ?? '784', 0)
  // Fewer scores than pixels leave the others with singular value 0, as if the image had that many more dimensions.
  if (scores > 0 && scores < 784) throw mismatch('E_ARGUMENT', '--scores', '0, or at least 784 (one a pixel)', scores)
  return {
    ...common,
    probes: integer('--probes', extra.probes ?? '50', 4),
    scores,
  }
}
