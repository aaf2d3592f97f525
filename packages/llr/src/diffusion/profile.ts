// The denoising loss of every row at a dozen noise levels: a profile of what the model knows at which scale.
import {
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  mismatch,
  type NdArray,
  random,
  rowCount,
  rowSize,
  type ScoreModel,
  takeRows,
  tensor,
} from '@ood/core'
import { type Measurement, measurement } from '@ood/detect'
import { type Cells, residualNorms } from './residuals.ts'

/** Options of `denoisingProfile`. */
export interface ProfileOptions {
  /** log tau of the noise levels, increasing (default 12 from -4.2 to 1.6, cut to the noise the process has). */
  scales?: readonly number[] | undefined
  /** Draws of noise a level (default 2). */
  draws?: number | undefined
}

const LEVELS = 12
const [FROM, TO] = [-4.2, 1.6]
/** (row, draw) pairs in one call of the model. */
const BATCH = 64

/** Options of `denoisingProfileOf`. */
export interface ProfileColumnOptions extends ProfileOptions {
  /** Regions along each side of an image [C, H, W] whose losses are a column of their own (default 0: none). */
  grid?: number | undefined
}

/** The default scales of a profile: 12 from -4.2 to 1.6, within the noise of the process. */
export function profileScales({ sde }: Pick<ScoreModel, 'sde'>): number[] {
  const low = Math.max(FROM, Math.log(sde.noiseToSignal(sde.tMin)))
  const high = Math.min(TO, Math.log(sde.noiseToSignal(sde.tMax)))
  return Array.from({ length: LEVELS }, (_, k) => low + ((high - low) * k) / (LEVELS - 1))
}

/**
 * E |sigma s(x_t, t) + eps|² at every noise level tau = e^scale, x_t = mu x + sigma eps: D at little noise for a model
 * that knows nothing there, towards 0 at much. By the identity in `denoisingLosses` the profile is minus the derivative
 * of log p by log noise, so it splits the likelihood by scale (as the score norms of Mahmood et al. 2021, arXiv
 * 2010.13132, do).
 *
 * The noise of a row is a function of the seed, its key and the level. Cost: levels x draws evaluations a row.
 *
 * @param x - rows [N, ...modelShape] in the model's space
 * @returns [N, levels]
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ABORTED`
 * @example
 * const profile = await denoisingProfile(model, rows)
 */
export async function denoisingProfile(
  model: ScoreModel,
  x: NdArray,
  options: ProfileOptions = {},
  call: CallOptions & { rows?: ArrayLike<number> | undefined } = {},
): Promise<NdArray<Float64Array>> {
  assertOptions('denoisingProfile', options, ['scales', 'draws'])
  return (await profile(model, x, options, call)).loss
}

/** Losses [N, levels], and [N, levels, cells] where there are cells. */
async function profile(
  model: ScoreModel,
  x: NdArray,
  { scales = profileScales(model), draws = 2 }: ProfileOptions,
  call: CallOptions & { rows?: ArrayLike<number> | undefined },
  cells?: Cells,
): Promise<{ loss: NdArray<Float64Array>; regions: NdArray<Float64Array> | undefined }> {
  assertOptions('denoisingProfile call', call, CALL_OPTIONS)
  assertRows('denoisingProfile x', x, model.modelShape)
  const n = rowCount(x)
  const d = rowSize(x)
  const root = random(call.seed ?? 0).fork('denoising-profile')
  const out = new Float64Array(n * scales.length)
  const regions = cells && new Float64Array(n * scales.length * cells.count)
  const times = scales.map((scale) => model.sde.timeOf(Math.exp(scale)))
  const perRow = scales.length * draws
  for (let from = 0; from < n * perRow; from += BATCH) {
    const pairs = Array.from({ length: Math.min(BATCH, n * perRow - from) }, (_, i) => from + i)
    const noise = new Float64Array(pairs.length * d)
    pairs.forEach((pair, i) => {
      const row = Math.floor(pair / perRow)
      const rng = root.fork(call.rows?.[row] ?? row).fork(pair % perRow)
      for (let j = i * d; j < (i + 1) * d; j++) noise[j] = rng.normal()
    })
    const levelOf = (pair: number): number => Math.floor((pair % perRow) / draws)
    const norms = await residualNorms(
      model,
      takeRows(
        x,
        pairs.map((pair) => Math.floor(pair / perRow)),
      ),
      Float64Array.from(pairs, (pair) => times[levelOf(pair)]!),
      noise,
      { signal: call.signal },
      cells,
    )
    pairs.forEach((pair, i) => {
      const at = Math.floor(pair / perRow) * scales.length + levelOf(pair)
      out[at] = out[at]! + norms.l2[i]! / draws
      if (!regions || !norms.cells) return
      for (let c = 0; c < cells.count; c++)
        regions[at * cells.count + c] = regions[at * cells.count + c]! + norms.cells[i * cells.count + c]! / draws
    })
    call.onProgress?.({ done: Math.floor((from + pairs.length) / perRow), total: n, label: 'denoising profile' })
  }
  return {
    loss: tensor(out, [n, scales.length]),
    regions: regions && tensor(regions, [n, scales.length, cells.count]),
  }
}

/** A grid of regions over images [C, H, W]: every channel's numbers of a region are one cell. */
function gridCells(shape: readonly number[], grid: number): Cells | undefined {
  if (grid === 0 || shape.length !== 3) return undefined
  const [channels, height, width] = shape as [number, number, number]
  const [rows, columns] = [Math.min(grid, height), Math.min(grid, width)]
  const of = Int32Array.from({ length: channels * height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width) % height, i % width]
    return Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
  })
  return { count: rows * columns, of }
}

/**
 * The profile as a measurement: column `loss` [N, levels], and with a `grid`, for images, `regions` [N, levels, cells].
 * Rows are raw where the model has `preprocess`.
 */
export function denoisingProfileOf(model: ScoreModel, options: ProfileColumnOptions = {}): Measurement {
  assertOptions('denoisingProfileOf', options, ['scales', 'draws', 'grid'])
  const { scales = profileScales(model), draws = 2, grid = 0 } = options
  if (!(Number.isSafeInteger(grid) && grid >= 0))
    throw mismatch('E_ARGUMENT', 'denoisingProfileOf grid', 'a whole number', grid)
  const cells = gridCells(model.modelShape, grid)
  return measurement(
    'denoisingProfile',
    [model],
    cells ? { scales, draws, grid } : { scales, draws },
    cells ? ['loss', 'regions'] : ['loss'],
    async (x: NdArray, call = {}) => {
      const rows = model.preprocess ? await model.preprocess(x, call as CallOptions) : x
      const { loss, regions } = await profile(model, rows, { scales, draws }, call as CallOptions, cells)
      return regions ? { loss, regions } : { loss }
    },
  )
}
