// The law of the synthetic genomes: what one class prefers, and everything that classes share.
import { mismatch, permutation, type Random, random } from '@ood/core'

/** Bases as numbers, in the order of the public data. */
export const BASES = 'ACGT'

/** The five files of the public genomics data, which synthetic genomes have too. */
export const genomeSplits = ['train_in', 'val_in', 'val_ood', 'test_in', 'test_ood'] as const
export type GenomeSplit = (typeof genomeSplits)[number]

/** Numbers that fix the law of synthetic genomes. */
export interface GenomeLawOptions {
  /** Seed of the class signatures and of every sequence (default 0). */
  seed?: number
  /** Bases in a sequence (default 250). */
  length?: number
  /** Bases before a base that its class's preference depends on (default 2: usage of words of three bases). */
  order?: number
  /** Classes in distribution, held out for validation, and held out for test (default 10, 60, 60). */
  classes?: readonly [number, number, number]
  /**
   * How alike the in-distribution classes are: the correlation of their preferences with those of a common ancestor
   * (default 0.75, to the nearest whole number of contexts). OOD classes have no common ancestor.
   */
  kinship?: number
  /** How far a preference is from a fair choice: 0.5 + preference against 0.5 - preference (default 0.2). */
  preference?: number
  /** Range of a sequence's G and C content, uniform (default 0.15 to 0.85). */
  gc?: readonly [number, number]
  /** Mean length in bases of a coding stretch and of the gap after it (default 75 and 25). */
  stretches?: readonly [number, number]
}

/** The options with their defaults, checked. */
export type ResolvedLaw = Required<GenomeLawOptions>

/** Checks the options and fills in defaults. */
export function resolveLaw(options: GenomeLawOptions): ResolvedLaw {
  const law: ResolvedLaw = {
    seed: 0,
    length: 250,
    order: 2,
    classes: [10, 60, 60],
    kinship: 0.75,
    preference: 0.2,
    gc: [0.15, 0.85],
    stretches: [75, 25],
    ...options,
  }
  const whole = (what: string, value: number, least: number, most: number): void => {
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw mismatch('E_ARGUMENT', `genome law ${what}`, `a whole number from ${least} to ${most}`, value)
  }
  if (!Number.isSafeInteger(law.seed)) throw mismatch('E_ARGUMENT', 'genome law seed', 'a safe integer', law.seed)
  whole('order', law.order, 0, 6)
  whole('length', law.length, law.order + 1, 100_000)
  if (law.classes.length !== 3) throw mismatch('E_ARGUMENT', 'genome law classes', 'three counts', law.classes)
  for (const count of law.classes) whole('classes', count, 1, 10_000)
  if (!(law.kinship >= 0 && law.kinship <= 1))
    throw mismatch('E_ARGUMENT', 'genome law kinship', 'between 0 and 1', law.kinship)
  if (!(law.preference > 0 && law.preference < 0.5))
    throw mismatch('E_ARGUMENT', 'genome law preference', 'between 0 and 0.5', law.preference)
  const [low, high] = law.gc
  if (!(low > 0 && low < high && high < 1))
    throw mismatch('E_ARGUMENT', 'genome law gc', 'a range inside 0 and 1', [low, high])
  for (const mean of law.stretches)
    if (!(mean >= 1 && Number.isFinite(mean)))
      throw mismatch('E_ARGUMENT', 'genome law stretches', 'mean lengths of at least 1 base', mean)
  return law
}

/**
 * Nearly the law of sequences of a law in which each base was replaced, with probability `rate`, by one of the other
 * three: what a background model trained on them learns at best, as `exactGenomeModel('semantic', mutatedGenomeLaw(...))`.
 *
 * A replacement keeps 1 - 4 rate / 3 =: k of a base and makes the rest uniform, so G and C content g becomes
 * k g + (1 - k) / 2, and a preference, which `order` bases and their successor carry, shrinks by k^(order + 1). That
 * replacements at different places of a word are seen in overlapping words, too, is left out: the model is better than
 * our networks on mutated sequences, and not the best there is.
 *
 * @throws OodError `E_ARGUMENT` for a rate outside (0, 0.75), or an impossible law
 * @example
 * const best = exactGenomeModel('semantic', mutatedGenomeLaw({ seed: 1 }, 0.2))
 */
export function mutatedGenomeLaw(options: GenomeLawOptions, rate: number): GenomeLawOptions {
  if (!(rate > 0 && rate < 0.75)) throw mismatch('E_ARGUMENT', 'mutation rate', 'between 0 and 0.75', rate)
  const law = resolveLaw(options)
  const kept = 1 - (4 * rate) / 3
  const [low, high] = law.gc
  return {
    ...law,
    gc: [kept * low + (1 - kept) / 2, kept * high + (1 - kept) / 2],
    preference: law.preference * kept ** (law.order + 1),
  }
}

/** Whether a base is G or C (held together by three hydrogen bonds, "strong"). */
export function isStrong(base: number): boolean {
  return base === 1 || base === 2
}

/**
 * Signature of a class: for each context (the previous `order` bases as a number to base 4) and each pair (0: A or T,
 * 1: C or G), the probability that the first of the pair comes, 0.5 + or - `preference`. Half of the contexts of a
 * pair lean each way, so that A and T, and C and G, are equally frequent whatever the class.
 */
export function signature(law: ResolvedLaw, index: number): Float64Array {
  const contexts = 4 ** law.order
  const rng = random(law.seed).fork('signature')
  const own = rng.fork(index)
  const out = new Float64Array(2 * contexts)
  for (const pair of [0, 1]) {
    const leaning =
      index < law.classes[0]
        ? descendant(own, half(rng.fork(`ancestor ${pair}`), contexts), law.kinship)
        : half(own, contexts)
    for (let context = 0; context < contexts; context++)
      out[2 * context + pair] = 0.5 + (leaning[context]! ? law.preference : -law.preference)
  }
  return out
}

/** Ones at a random half of n places. */
function half(rng: Random, n: number): Uint8Array {
  const ones = new Uint8Array(n)
  for (const place of permutation(rng, n).subarray(0, Math.ceil(n / 2))) ones[place] = 1
  return ones
}

/** The ancestor with as many ones as zeros turned over, (1 - kinship) / 2 of each. */
function descendant(rng: Random, ancestor: Uint8Array, kinship: number): Uint8Array {
  const out = ancestor.slice()
  const turned = Math.round(((1 - kinship) / 2) * Math.floor(ancestor.length / 2))
  for (const value of [0, 1]) {
    const places = [...ancestor.keys()].filter((i) => ancestor[i] === value)
    for (const i of permutation(rng, places.length).subarray(0, turned)) out[places[i]!] = 1 - value
  }
  return out
}

/** First class and number of classes of a split. */
export function classesOf(law: ResolvedLaw, split: GenomeSplit): { first: number; count: number } {
  const [inside, validation, test] = law.classes
  if (split === 'val_ood') return { first: inside, count: validation }
  if (split === 'test_ood') return { first: inside + validation, count: test }
  return { first: 0, count: inside }
}
