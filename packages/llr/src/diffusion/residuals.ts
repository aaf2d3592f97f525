// One evaluation of the network per probe: how far its noise prediction is from the noise that was added.
import {
  assertFinite,
  assertRows,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  type ScoreModel,
  tensor,
} from '@ood/core'

/** Norms of one residual, in the units of the noise (1 for every dimension). */
interface ResidualNorms {
  /** Σ_i |r_i|. */
  l1: Float64Array
  /** Σ_i r_i². */
  l2: Float64Array
  /** Σ r_i² over the numbers of each cell, [M, cells], where cells were asked for. */
  cells: Float64Array | undefined
}

/** Which cell each number of a row belongs to. */
export interface Cells {
  readonly count: number
  readonly of: Int32Array
}

/**
 * Norms of r = net(x_t, t) + eps, x_t = mu(t) x + sigma(t) eps, net = sigma(t) score: the error of the network's guess
 * -net at the noise eps, one row a probe. For an exact score r is the part of the noise that x_t does not tell:
 * E|r|² runs from D (t -> 0) to 0 (t -> T).
 *
 * @param x - clean rows [M, ...modelShape] in the model's space
 * @param times - M times
 * @param noise - M D standard normals, row by row
 * @param cells - cells to sum the squares over as well
 */
export async function residualNorms(
  model: ScoreModel,
  x: NdArray,
  times: Float64Array,
  noise: Float64Array,
  call: { signal?: AbortSignal | undefined } = {},
  cells?: Cells,
): Promise<ResidualNorms> {
  const m = rowCount(x)
  const d = rowSize(x)
  const data = flatData(x)
  const noised = new Float64Array(m * d)
  const sigma = times.map((t) => model.sde.standardDeviation(t))
  for (let i = 0; i < m; i++) {
    const mean = model.sde.mean(times[i]!)
    if (!(sigma[i]! > 0)) throw mismatch('E_ARGUMENT', 'diffusionRatio t', 'a time with noise', times[i])
    for (let j = i * d; j < (i + 1) * d; j++) noised[j] = mean * data[j]! + sigma[i]! * noise[j]!
  }
  const xt = tensor(noised, x.shape)
  const net = model.scaledScore ? await model.scaledScore(xt, times, call) : await model.score(xt, times, call)
  assertRows('diffusionRatio score', net, model.modelShape)
  if (rowCount(net) !== m) throw mismatch('E_SHAPE', 'diffusionRatio score', `${m} rows`, rowCount(net))
  assertFinite('diffusionRatio score', net)
  const values = flatData(net)
  const l1 = new Float64Array(m)
  const l2 = new Float64Array(m)
  const byCell = cells && new Float64Array(m * cells.count)
  for (let i = 0; i < m; i++) {
    const factor = model.scaledScore ? 1 : sigma[i]!
    let absolute = 0
    let squared = 0
    for (let j = i * d; j < (i + 1) * d; j++) {
      const r = factor * values[j]! + noise[j]!
      absolute += Math.abs(r)
      squared += r * r
      if (byCell) {
        const at = i * cells.count + cells.of[j - i * d]!
        byCell[at] = byCell[at]! + r * r
      }
    }
    l1[i] = absolute
    l2[i] = squared
  }
  return { l1, l2, cells: byCell }
}
