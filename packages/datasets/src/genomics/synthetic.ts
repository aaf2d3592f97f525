// Synthetic genomes: G and C content varies between sequences alike in every class; only the classes' usage of short words differs.
import { mismatch, type NdArray, type Random, random, tensor, unknownName } from '@ood/core'
import {
  classesOf,
  type GenomeLawOptions,
  type GenomeSplit,
  genomeSplits,
  type ResolvedLaw,
  resolveLaw,
  signature,
} from './law.ts'

/** Sequences with what is known about them. */
export interface GenomeSet {
  /** [N, length], whole numbers 0..3 for A, C, G, T. */
  x: NdArray<Float32Array>
  /** 1 for sequences of classes that are not in the training set. */
  isOutlier: Uint8Array
  /** Class of each sequence, a key of `names`. */
  labels: Int32Array
  /** Name of every class. */
  names: Readonly<Record<number, string>>
}

/** Synthetic sequences with the hidden variables they were made from. */
export interface SyntheticGenomes extends GenomeSet {
  /** G and C content that was drawn for each sequence. */
  gc: Float64Array
  /** [N, length]: 1 where the base was drawn with its class's preferences, 0 in the gaps between genes. */
  coding: Uint8Array
}

/** Which sequences to draw. */
export interface SyntheticGenomeOptions extends GenomeLawOptions {
  split: GenomeSplit
  /** Number of sequences. */
  n: number
  /** First sequence (default 0): sequence i of a split is the same whatever the range. */
  from?: number
}

/**
 * Draws sequences of a split. Each is made so:
 *
 * 1. its class c is one of the split's, its G and C content g is uniform in `gc`, the same law for every class;
 * 2. a hidden two-state chain divides it into coding stretches and gaps (mean lengths `stretches`);
 * 3. each base is G or C with probability g, else A or T, independently of everything else;
 * 4. which of the two it is depends, inside a coding stretch, on the previous `order` bases through the signature of
 *    c, and is a fair coin in the gaps and at the first `order` bases.
 *
 * So in-distribution and OOD sequences have the same background (the pattern of strong and weak bases, whose entropy
 * dominates the likelihood) and differ in word usage alone, as bacteria do in the usage of short words. Test and
 * validation OOD classes are different ones. `exactGenomeModel` is the exact likelihood.
 *
 * Memory: 6 bytes a base. Cost: about 20 microseconds a sequence.
 *
 * @throws OodError `E_ARGUMENT`, `E_UNKNOWN_NAME` for a split there is not
 * @example
 * const { x, labels } = syntheticGenomes({ split: 'test_ood', n: 1000 })
 */
export function syntheticGenomes(options: SyntheticGenomeOptions): SyntheticGenomes {
  const { split, n, from = 0, ...rest } = options
  const law = resolveLaw(rest)
  if (!genomeSplits.includes(split)) throw unknownName('genome split', split, genomeSplits)
  for (const [what, value] of Object.entries({ n, from }))
    if (!(Number.isSafeInteger(value) && value >= 0)) throw mismatch('E_ARGUMENT', what, 'a whole number >= 0', value)
  const { length } = law
  const { first, count } = classesOf(law, split)
  const signatures = Array.from({ length: count }, (_, i) => signature(law, first + i))
  const stream = random(law.seed).fork(split)
  const bases = new Float32Array(n * length)
  const coding = new Uint8Array(n * length)
  const labels = new Int32Array(n)
  const gc = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const rng = stream.fork(from + i)
    const member = rng.integer(count)
    labels[i] = first + member
    gc[i] = law.gc[0] + (law.gc[1] - law.gc[0]) * rng.uniform()
    const at = [i * length, (i + 1) * length] as const
    drawBases(rng, law, signatures[member]!, gc[i]!, bases.subarray(...at), coding.subarray(...at))
  }
  const total = law.classes.reduce((sum, value) => sum + value, 0)
  return {
    x: tensor(bases, [n, length]),
    isOutlier: new Uint8Array(n).fill(split.endsWith('ood') ? 1 : 0),
    labels,
    names: Object.fromEntries(Array.from({ length: total }, (_, i) => [i, `synthetic ${i}`])),
    gc,
    coding,
  }
}

function drawBases(
  rng: Random,
  law: ResolvedLaw,
  preference: Float64Array,
  gc: number,
  bases: Float32Array,
  coding: Uint8Array,
): void {
  const contexts = 4 ** law.order
  const [gene, gap] = law.stretches
  let inside = rng.uniform() < gene / (gene + gap)
  let context = 0
  for (let t = 0; t < bases.length; t++) {
    const pair = rng.uniform() < gc ? 1 : 0
    const ruled = inside && t >= law.order
    const first = rng.uniform() < (ruled ? preference[2 * context + pair]! : 0.5)
    // Pairs: A (0) or T (3), C (1) or G (2).
    const base = pair === 0 ? (first ? 0 : 3) : first ? 1 : 2
    bases[t] = base
    coding[t] = ruled ? 1 : 0
    context = (4 * context + base) % contexts
    if (rng.uniform() < 1 / (inside ? gene : gap)) inside = !inside
  }
}
