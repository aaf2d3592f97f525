// Mutated copies of data, what background models are trained on: a share of the features replaced at random.
import {
  assertOptions,
  CALL_OPTIONS,
  type FloatArray,
  flatData,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  tensor,
} from '@ood/core'

/** Options every mutation takes. */
export interface MutationOptions {
  /** Seed of the draws (default 0). */
  seed?: number | undefined
  /** A key for each row (default 0..N-1): a row's mutation depends on `seed` and its key, in any batch or order. */
  rows?: ArrayLike<number> | undefined
}

/** Any mutation: a batch in, a new batch of the same shape out. Your own ones take part wherever these do. */
export type Mutation = (x: NdArray, options: MutationOptions) => NdArray | Promise<NdArray>

/** Options of `mutateCategorical`. */
export interface CategoricalOptions extends MutationOptions {
  /** Probability that a feature changes (default 0.2). */
  rate?: number | undefined
  /** Smallest and largest symbol (default [0, 255]). */
  valueRange?: readonly [number, number] | undefined
}

/** Options of `mutateUniform`. */
export interface UniformOptions extends MutationOptions {
  /** Probability that a feature is drawn anew (default 0.3). */
  rate?: number | undefined
  /** Smallest and largest replacement (default [0, 255]); [0, 1], or the data's own extremes, for scaled data. */
  valueRange?: readonly [number, number] | undefined
  /** Equally spaced replacements, both ends included (default 256). */
  levels?: number | undefined
}

/**
 * Mutates symbols: each feature, with probability `rate`, becomes one of the other symbols, all equally likely
 * (Ren et al. 2019, section 4):
 *
 *     x' = low + (x - low + mask shift) mod (high - low + 1),   mask ~ Bernoulli(rate), shift ~ U{1..high - low}
 *
 * Never its own value. (The reference's formula is this one for low = 0 and wrong for other ranges.) Masks and
 * shifts have streams of their own, so with one seed a higher rate changes a superset of the features, to the same values.
 *
 * Cost: two draws a feature.
 *
 * @param x - whole numbers within `valueRange`, [N, ...]; not changed
 * @returns a new batch of the same shape and number type
 * @throws OodError `E_ARGUMENT` for a range or rate that is none, and for values outside the range, naming the row
 * @example
 * const background = mutateCategorical(images, { rate: 0.2, seed: 0 })
 * const genomes = mutateCategorical(sequences, { rate: 0.1, valueRange: [0, 3] })
 */
export function mutateCategorical<A extends FloatArray>(x: NdArray<A>, options: CategoricalOptions = {}): NdArray<A> {
  assertOptions('mutateCategorical', options, [...CALL_OPTIONS, 'rate', 'valueRange'])
  const { rate = 0.2, valueRange = [0, 255] } = options
  const [low, high] = symbols('mutateCategorical', valueRange)
  assertRate('mutateCategorical', rate)
  const out = copyWithin('mutateCategorical', x, low, high, true)
  eachRow(x, options, (from, to, rng) => {
    const masks = rng.fork('mask')
    const shifts = rng.fork('shift')
    for (let i = from; i < to; i++) {
      const shift = 1 + shifts.integer(high - low)
      if (masks.uniform() < rate) out[i] = shifted(out[i]!, shift, low, high)
    }
  })
  return tensor(out, x.shape)
}

/**
 * The rule of `mutateCategorical` with given randomness: where `mask` is 1, `x` moves on by `shift`.
 *
 * @param mask - 0 or 1 for every number of `x`
 * @param shift - 1..high - low for every number of `x`; read where `mask` is 1
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`
 * @example
 * applyShift(tensor(Float64Array.of(3), [1, 1]), [1], [2], [0, 3]) // 1
 */
export function applyShift<A extends FloatArray>(
  x: NdArray<A>,
  mask: ArrayLike<number>,
  shift: ArrayLike<number>,
  valueRange: readonly [number, number] = [0, 255],
): NdArray<A> {
  const [low, high] = symbols('applyShift', valueRange)
  const out = copyWithin('applyShift', x, low, high, true)
  assertLength('applyShift mask', mask, out.length)
  assertLength('applyShift shift', shift, out.length)
  for (let i = 0; i < out.length; i++) {
    if (mask[i] !== 0 && mask[i] !== 1) throw mismatch('E_ARGUMENT', 'applyShift mask', '0 or 1', mask[i])
    if (mask[i] === 0) continue
    if (!(Number.isInteger(shift[i]) && shift[i]! >= 1 && shift[i]! <= high - low))
      throw mismatch('E_ARGUMENT', 'applyShift shift', `whole numbers 1..${high - low}`, shift[i])
    out[i] = shifted(out[i]!, shift[i]!, low, high)
  }
  return tensor(out, x.shape)
}

/**
 * Mutates numbers: each feature, with probability `rate`, is replaced by one of `levels` equally spaced values from
 * `valueRange`, drawn without regard to the original, so it may be the original. A share
 * rate (1 - 1 / levels) of symbols changes.
 *
 * Cost: two draws a feature.
 *
 * @param x - numbers within `valueRange`, [N, ...]; not changed
 * @returns a new batch of the same shape and number type
 * @throws OodError `E_ARGUMENT` for a range, rate or number of levels that is none, and for values outside the range
 * @example
 * const background = mutateUniform(images, { rate: 0.3, seed: 0 })
 * const scaled = mutateUniform(unitImages, { valueRange: [0, 1] })
 */
export function mutateUniform<A extends FloatArray>(x: NdArray<A>, options: UniformOptions = {}): NdArray<A> {
  assertOptions('mutateUniform', options, [...CALL_OPTIONS, 'rate', 'valueRange', 'levels'])
  const { rate = 0.3, valueRange = [0, 255], levels = 256 } = options
  const [low, high] = range('mutateUniform', valueRange)
  assertRate('mutateUniform', rate)
  if (!(Number.isSafeInteger(levels) && levels >= 2))
    throw mismatch('E_ARGUMENT', 'mutateUniform levels', 'a whole number of at least 2', levels)
  const out = copyWithin('mutateUniform', x, low, high, false)
  const step = (high - low) / (levels - 1)
  eachRow(x, options, (from, to, rng) => {
    const masks = rng.fork('mask')
    const values = rng.fork('value')
    for (let i = from; i < to; i++) {
      const level = values.integer(levels)
      // The last level is the bound itself, which rounding of level * step might miss.
      if (masks.uniform() < rate) out[i] = level === levels - 1 ? high : low + level * step
    }
  })
  return tensor(out, x.shape)
}

/**
 * The rule of `mutateUniform` with given randomness: where `uniforms` is below `rate`, `x` becomes its replacement.
 *
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`
 * @example
 * applyReplacement(tensor(Float64Array.of(7, 7), [1, 2]), [0.1, 0.9], [5, 6], 0.3) // 5, 7
 */
export function applyReplacement<A extends FloatArray>(
  x: NdArray<A>,
  uniforms: ArrayLike<number>,
  replacements: ArrayLike<number>,
  rate: number,
): NdArray<A> {
  assertRate('applyReplacement', rate)
  const out = flatData(x).slice() as A
  assertLength('applyReplacement uniforms', uniforms, out.length)
  assertLength('applyReplacement replacements', replacements, out.length)
  for (let i = 0; i < out.length; i++) if (uniforms[i]! < rate) out[i] = replacements[i]!
  return tensor(out, x.shape)
}

function shifted(value: number, shift: number, low: number, high: number): number {
  return low + ((value - low + shift) % (high - low + 1))
}

/** Calls `run` with the place and the stream of every row. */
function eachRow(x: NdArray, options: MutationOptions, run: (from: number, to: number, rng: Random) => void): void {
  const { seed = 0, rows } = options
  const n = rowCount(x)
  if (rows) assertLength('mutation rows', rows, n)
  const size = n === 0 ? 0 : x.shape.reduce((product, k) => product * k, 1) / n
  const rng = random(seed).fork('mutate')
  for (let row = 0; row < n; row++) run(row * size, (row + 1) * size, rng.fork(rows ? rows[row]! : row))
}

/** A copy of the numbers of `x`, all of them in [low, high]. */
function copyWithin<A extends FloatArray>(what: string, x: NdArray<A>, low: number, high: number, whole: boolean): A {
  const out = flatData(x).slice() as A
  const size = out.length / Math.max(1, rowCount(x))
  for (let i = 0; i < out.length; i++) {
    const value = out[i]!
    if (!(value >= low && value <= high) || (whole && !Number.isInteger(value)))
      throw mismatch(
        'E_ARGUMENT',
        what,
        `${whole ? 'whole numbers' : 'numbers'} in [${low}, ${high}]`,
        `${value} in row ${Math.floor(i / size)}`,
      )
  }
  return out
}

function range(what: string, [low, high]: readonly [number, number]): readonly [number, number] {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw mismatch('E_ARGUMENT', `${what} valueRange`, '[smallest, largest]', [low, high])
  return [low, high]
}

function symbols(what: string, valueRange: readonly [number, number]): readonly [number, number] {
  const [low, high] = range(what, valueRange)
  if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high)))
    throw mismatch('E_ARGUMENT', `${what} valueRange`, 'two whole numbers', [low, high])
  return [low, high]
}

function assertRate(what: string, rate: number): void {
  if (!(rate >= 0 && rate <= 1)) throw mismatch('E_ARGUMENT', `${what} rate`, 'a number in [0, 1]', rate)
}

function assertLength(what: string, values: ArrayLike<number>, length: number): void {
  if (values.length !== length) throw mismatch('E_SHAPE', what, `${length} numbers`, values.length)
}
