// The exact likelihood of synthetic genomes: what a perfect semantic and a perfect background model would say.
import {
  type CallOptions,
  flatData,
  type LikelihoodModel,
  type LogProb,
  mismatch,
  type NdArray,
  rowCount,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { type GenomeLawOptions, isStrong, type ResolvedLaw, resolveLaw, signature } from './law.ts'

/**
 * The exact model of a law's in-distribution classes (`semantic`) or of what all classes share (`background`: the
 * pattern of strong and weak bases, with fair coins inside the pairs). Both are conditioned on the first base, as
 * sequence models are, so `feature` is [N, length - 1] and `instance` its sum, in nats.
 *
 * The pattern's predictive probability is a ratio of integrals over G and C content; the choices inside pairs are a
 * hidden Markov model (class, coding or gap), filtered forward. Their ratio bounds what any likelihood ratio can do
 * on these data, which tells a weak network from a weak score.
 *
 * Cost: a second for about 2,000 sequences of 250 bases and 10 classes.
 *
 * @throws OodError `E_ARGUMENT` from an impossible law, and from `logProb` for anything but whole numbers 0..3;
 *   `E_SHAPE` for rows of another length than the law's
 * @example
 * const { instance } = await exactGenomeModel('semantic').logProb(x)
 */
export function exactGenomeModel(role: 'semantic' | 'background', options: GenomeLawOptions = {}): LikelihoodModel {
  const law = resolveLaw(options)
  const pattern = patternIntegrals(law)
  const signatures =
    role === 'semantic' ? Array.from({ length: law.classes[0] }, (_, index) => signature(law, index)) : []
  return {
    async logProb(x: NdArray, call: CallOptions = {}): Promise<LogProb> {
      const { length } = law
      if (x.shape.length !== 2 || x.shape[1] !== length)
        throw mismatch('E_SHAPE', 'exactGenomeModel.logProb', `[N, ${length}]`, `[${x.shape.join(', ')}]`)
      const n = rowCount(x)
      const bases = flatData(x)
      const feature = new Float64Array(n * (length - 1))
      const instance = new Float64Array(n)
      for (let i = 0; i < n; i++) {
        if (i % 64 === 0) throwIfAborted(call.signal, 'exactGenomeModel.logProb')
        const row = bases.subarray(i * length, (i + 1) * length)
        if (!row.every((base) => base === 0 || base === 1 || base === 2 || base === 3))
          throw mismatch('E_ARGUMENT', 'exactGenomeModel.logProb', 'whole numbers 0..3', `something else in row ${i}`)
        const out = feature.subarray(i * (length - 1), (i + 1) * (length - 1))
        patternLogProb(pattern, row, out)
        choiceLogProb(law, signatures, row, out)
        instance[i] = out.reduce((sum, value) => sum + value, 0)
      }
      return { instance, feature: tensor(feature, [n, length - 1]) }
    },
  }
}

/** Panels of the integral over G and C content; the integrand is a polynomial of degree `length`, far wider than one. */
const PANELS = 600

/** log of the mean of g^s (1 - g)^w over the law's range of g, for s strong bases of s + w (Simpson's rule). */
function patternIntegrals({ gc: [low, high], length }: ResolvedLaw): (strong: number, weak: number) => number {
  const nodes = Array.from({ length: PANELS + 1 }, (_, i) => {
    const g = low + ((high - low) * i) / PANELS
    const weight = (i === 0 || i === PANELS ? 1 : i % 2 ? 4 : 2) / (3 * PANELS)
    return { log: Math.log(g), log1: Math.log1p(-g), weight }
  })
  const memo = new Float64Array((length + 1) ** 2).fill(Number.NaN)
  return (strong, weak) => {
    const at = strong * (length + 1) + weak
    if (Number.isNaN(memo[at])) {
      const exponents = nodes.map(({ log, log1 }) => strong * log + weak * log1)
      const top = Math.max(...exponents)
      const sum = nodes.reduce((total, { weight }, i) => total + weight * Math.exp(exponents[i]! - top), 0)
      memo[at] = top + Math.log(sum)
    }
    return memo[at]!
  }
}

/** Adds log P(strong or weak at t | pattern before t) to out[t - 1]. */
function patternLogProb(
  integral: (strong: number, weak: number) => number,
  row: ArrayLike<number>,
  out: Float64Array,
): void {
  let strong = 0
  let before = integral(0, 0)
  for (let t = 0; t < row.length; t++) {
    if (isStrong(row[t]!)) strong += 1
    const after = integral(strong, t + 1 - strong)
    if (t > 0) out[t - 1] = out[t - 1]! + after - before
    before = after
  }
}

/** Adds log P(which of the pair at t | bases before t) to out[t - 1]; fair coins without signatures. */
function choiceLogProb(
  law: ResolvedLaw,
  signatures: readonly Float64Array[],
  row: ArrayLike<number>,
  out: Float64Array,
): void {
  const contexts = 4 ** law.order
  const [gene, gap] = law.stretches
  const classes = signatures.length
  // Filtered weights of (class, coding) and (class, gap).
  const coding = new Float64Array(classes).fill(gene / (gene + gap) / classes)
  const idle = new Float64Array(classes).fill(gap / (gene + gap) / classes)
  let context = 0
  for (let t = 0; t < row.length; t++) {
    const base = row[t]!
    const pair = isStrong(base) ? 1 : 0
    const first = base < 2
    let total = classes === 0 ? 0.5 : 0
    for (let c = 0; c < classes; c++) {
      const p = t < law.order ? 0.5 : signatures[c]![2 * context + pair]!
      coding[c] = coding[c]! * (first ? p : 1 - p)
      idle[c] = 0.5 * idle[c]!
      total += coding[c]! + idle[c]!
    }
    for (let c = 0; c < classes; c++) {
      const on = coding[c]! / total
      const off = idle[c]! / total
      coding[c] = on * (1 - 1 / gene) + off / gap
      idle[c] = on / gene + off * (1 - 1 / gap)
    }
    if (t > 0) out[t - 1] = out[t - 1]! + Math.log(total)
    context = (4 * context + base) % contexts
  }
}
