// Command-line options of the example, checked, with the defaults of the demo.
import { type CommonOptions, commonUsage, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export type Options = CommonOptions

export const usage: string = `npm run example -- likelihood-paradox [options]

Two normalizing flows, one trained on Fashion-MNIST and one on MNIST, score the other's images.

${commonUsage('likelihood-paradox', 64)}`

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  return parseCommon(argv, { name: 'likelihood-paradox', n: 64, extra: [] }, env)?.common
}
