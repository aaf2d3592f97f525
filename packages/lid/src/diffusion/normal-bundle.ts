// Normal bundle LID: singular values of many scores around a point tell its normal directions from its tangent ones.
import {
  assertFinite,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  type FloatArray,
  flatData,
  type LidEstimator,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  rowSize,
  type ScoreModel,
  type TraceOptions,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { gram, symmetricEigenvalues } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { variance } from '../internal/scale-variance.ts'
import { type NoiseLevel, noiseAt } from './noise-level.ts'

/** Options of `normalBundle`. */
export interface NormalBundleOptions {
  /** Noise of the copies (default `{ t: 1e-4 }`, the published class's; all published runs use `{ t: 0.01 }`). */
  level?: NoiseLevel | undefined
  /** Noised copies of each point, K (default 4 D). */
  scores?: number | undefined
  /**
   * What a row of the matrix is: `'score'` (default), s(x_eps, t), as in dgm_geometry; or `'reverseDrift'`,
   * f(t) x_eps - g²(t) s(x_eps, t), as in dgm_ood_detection.
   */
  rows?: 'score' | 'reverseDrift' | undefined
}

/** Options of a call: `rows` are keys of the points, for noise that does not depend on a point's place in `x`. */
export type NormalBundleCall = CallOptions & Pick<TraceOptions, 'rows'>

/** The estimator that `normalBundle` makes. */
export interface NormalBundle extends LidEstimator<SingularValues> {
  prepare(x: NdArray, options?: NormalBundleCall): Promise<SingularValues>
}

/** Singular values of N points, [N, D], descending. */
export type SingularValues = NdArray<Float64Array>

/** Rows of a Gram matrix summed together; fixed, so that results do not depend on the batch size. */
const BLOCK = 256

/**
 * Normal bundle estimator (Stanczuk, Batzolis, Deveney, Schönlieb 2024, Diffusion Models Encode the Intrinsic Dimension
 * of Data Manifolds, ICML): scores at noised copies x_eps = mu x + sigma eps of a point lie along its
 * normal directions, where they are about 1/sigma long, and hardly along tangent ones. `prepare` takes K of them as a
 * matrix K x D; the artifact is its singular values. At a scale
 *
 *   LID(s) = #{ i : sv_i < e^{-2s} },
 *
 * so s → -∞ gives D and s → ∞ gives 0. (Note the sign and the factor: a direction in which the noised data have
 * standard deviation b has a singular value near √K / b, which is counted below s = ½ log(b / √K).)
 * `normalBundleGap` needs no scale.
 *
 * Singular values come from the Gram matrix in float64, D x D by blocks of rows, never K x D: below about 1e-6 of the
 * largest they are rounding. Cost a point: K scores, K D² + 4/3 D³ flops (about 2.6 s for D = 784 on one core).
 *
 * @param model - a score model; x is in its space
 * @returns an estimator whose `lid` costs O(D) a point
 * @throws OodError from `prepare`: `E_SHAPE`, `E_NOT_FINITE` for bad points or scores, `E_ARGUMENT` for bad levels
 * @example
 * const estimator = normalBundle(model, { level: { t: 0.01 } })
 * const artifact = await estimator.prepare(images, { seed: 1 })
 * estimator.lid(artifact, -3)
 * normalBundleGap(artifact)
 */
export function normalBundle(model: ScoreModel, options: NormalBundleOptions = {}): NormalBundle {
  assertOptions('normalBundle', options, ['level', 'scores', 'rows'])
  const { level = { t: 1e-4 }, scores, rows = 'score' } = options
  if (scores !== undefined) assertCount('normalBundle scores', scores, 1)
  return {
    async prepare(x, call = {}) {
      assertOptions('normalBundle prepare', call, CALL_OPTIONS)
      assertRows('normalBundle x', x, model.modelShape)
      assertFinite('normalBundle x', x)
      const noise = noiseAt('normalBundle', model.sde, level)
      const n = rowCount(x)
      const d = rowSize(x)
      const keys = call.rows ?? Array.from({ length: n }, (_, i) => i)
      if (keys.length !== n) throw mismatch('E_SHAPE', 'normalBundle rows', `${n} keys`, keys.length)
      const out = new Float64Array(n * d)
      const root = random(call.seed ?? 0).fork('normal bundle')
      const drift = rows === 'reverseDrift' ? model.sde.drift(noise.t) : 0
      const factor = rows === 'reverseDrift' ? -model.sde.diffusionSquared(noise.t) : 1
      for (let i = 0; i < n; i++) {
        const point = flatData(x).subarray(i * d, (i + 1) * d)
        const G = new GramSum(d)
        await eachCopy(model, point, root.fork(keys[i]!), noise, scores ?? 4 * d, call, (copies, s) => {
          // Rows in the score's own type: a float32 network has no more digits.
          G.add(rows === 'score' ? s : (s.map((value, j) => drift * copies[j]! + factor * value) as FloatArray))
        })
        out.set(singularValues(G.sum(), d), i * d)
        call.onProgress?.({ done: i + 1, total: n, label: 'normal bundle' })
      }
      return tensor(out, [n, d])
    },
    lid: normalBundleDimension,
    identity: { name: 'normalBundle', models: [model], settings: { level, scores: scores ?? null, rows } },
    columns: {
      names: ['singularValues'],
      pack: (singularValues) => ({ singularValues }),
      unpack: ({ singularValues }) => singularValues!,
    },
  }
}

/**
 * #{ sv < e^{-2s} } of every point; what `normalBundle(...).lid` is, without the model.
 *
 * @param values - [N, D] from `prepare`
 * @throws OodError `E_ARGUMENT` for a NaN scale
 */
export function normalBundleDimension(values: SingularValues, scale: number): Float64Array {
  const threshold = 1 / variance('normalBundle scale', scale)
  return eachPoint(values, (sv) => sv.reduce((count, value) => count + (value < threshold ? 1 : 0), 0))
}

/**
 * LID without a scale, by the largest gap: D - (argmax_i (sv_i - sv_{i+1}) + 1), the first of equal gaps: the singular
 * values before the gap belong to normal directions. In 0..D-1; a point with one number has LID 0.
 *
 * @example
 * normalBundleGap(await normalBundle(model).prepare(images))
 */
export function normalBundleGap(values: SingularValues): Float64Array {
  return eachPoint(values, (sv) => {
    let best = 0
    for (let j = 1; j < sv.length - 1; j++) if (sv[j]! - sv[j + 1]! > sv[best]! - sv[best + 1]!) best = j
    return sv.length - (best + 1)
  })
}

/** Singular values of the matrix with Gram matrix `G`, descending. */
export function singularValues(G: Float64Array, d: number): Float64Array {
  // Rounding may leave a zero eigenvalue slightly negative.
  return symmetricEigenvalues(G, d)
    .map((value) => Math.sqrt(Math.max(0, value)))
    .reverse()
}

/** Sums the Gram matrices of rows that come in any portions. */
export class GramSum {
  private readonly d: number
  private total: Float64Array | undefined
  private block: FloatArray | undefined
  private filled = 0
  constructor(d: number) {
    this.d = d
  }
  /** More rows of d numbers. */
  add(rows: FloatArray): void {
    for (let at = 0; at < rows.length; ) {
      this.block ??= new (rows.constructor as new (n: number) => FloatArray)(BLOCK * this.d)
      const take = Math.min(rows.length - at, this.block.length - this.filled)
      this.block.set(rows.subarray(at, at + take), this.filled)
      this.filled += take
      at += take
      if (this.filled === this.block.length) this.flush()
    }
  }
  /** JᵀJ of all rows so far, d x d. */
  sum(): Float64Array {
    this.flush()
    return this.total ?? new Float64Array(this.d * this.d)
  }
  private flush(): void {
    if (!this.block || this.filled === 0) return
    const part = gram(this.block.subarray(0, this.filled), this.filled / this.d, this.d)
    if (this.total) for (let i = 0; i < part.length; i++) this.total[i] = this.total[i]! + part[i]!
    else this.total = part
    this.filled = 0
  }
}

/** Scores at `count` noised copies of a point, batch by batch. */
async function eachCopy(
  model: ScoreModel,
  point: FloatArray,
  rng: Random,
  noise: { t: number; mean: number; standardDeviation: number },
  count: number,
  call: NormalBundleCall,
  take: (copies: FloatArray, scores: FloatArray) => void,
): Promise<void> {
  const { batchSize = 128, signal } = call
  assertCount('normalBundle batchSize', batchSize, 1)
  const d = point.length
  for (let from = 0; from < count; from += batchSize) {
    throwIfAborted(signal, 'normalBundle')
    const size = Math.min(batchSize, count - from)
    const copies = new (point.constructor as new (n: number) => FloatArray)(size * d)
    for (let j = 0; j < copies.length; j++)
      copies[j] = noise.mean * point[j % d]! + noise.standardDeviation * rng.normal()
    const score = await model.score(tensor(copies, [size, ...model.modelShape]), noise.t, { signal })
    assertFinite('normalBundle score', score)
    take(copies, flatData(score))
  }
}

function eachPoint(values: SingularValues, dimension: (sv: Float64Array) => number): Float64Array {
  if (values.shape.length !== 2) throw mismatch('E_SHAPE', 'normalBundle singular values', 'shape [N, D]', values.shape)
  const d = rowSize(values)
  const data = flatData(values)
  return Float64Array.from({ length: rowCount(values) }, (_, i) => dimension(data.subarray(i * d, (i + 1) * d)))
}
