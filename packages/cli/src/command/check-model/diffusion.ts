// Checks of a score network: it must predict noise better than predicting none, at every level.
import { flatData, type NdArray, random, rowCount, rowSize, tensor } from '@ood/core'
import type { Diffusion } from '@ood/models-diffusion'
import { attempt, type Check, judged } from './report.ts'
import type { Trial } from './trial.ts'

/** The score at a middle level as one number a row, x · sigma s(x, t). */
export function scoreOf(model: Diffusion): Trial['evaluate'] {
  return async (x, call) => {
    const { signal, batchSize } = call
    const clean = await model.preprocess(x, { seed: call.seed ?? 0, rows: call.rows })
    const t = (model.sde.tMin + model.sde.tMax) / 2
    const score = await model.scaledScore(clean, t, { signal, batchSize })
    const [values, weights, d] = [flatData(score), flatData(clean), rowSize(clean)]
    return Float64Array.from({ length: rowCount(clean) }, (_, row) => {
      let sum = 0
      for (let i = row * d; i < (row + 1) * d; i++) sum += values[i]! * weights[i]!
      return sum
    })
  }
}

/** Share of the noise that is left after the prediction, ‖sigma s(x_t, t) + e‖² / D, at three noise levels. */
export function noisePrediction(model: Diffusion, x: NdArray): Promise<Check> {
  const mend =
    'prediction (epsilon, v, sample, scaled-score), timeScale and the schedule of sde must be those of training'
  return attempt('noise', mend, async () => {
    const clean = await model.preprocess(x, { seed: 0 })
    const { sde } = model
    const shares: string[] = []
    let worst = 0
    for (const part of [0.25, 0.5, 0.75]) {
      const t = sde.tMin + part * (sde.tMax - sde.tMin)
      const share = await leftOver(model, clean, t)
      worst = Math.max(worst, share)
      shares.push(`${(100 * share).toFixed(0)} % at t ${t.toPrecision(2)}`)
    }
    return judged(worst < 0.95, `noise left after the prediction: ${shares.join(', ')}`, mend)
  })
}

async function leftOver(model: Diffusion, clean: NdArray, t: number): Promise<number> {
  const [n, d] = [rowCount(clean), rowSize(clean)]
  const rng = random(0).fork('check-model noise')
  const noise = Float64Array.from({ length: n * d }, () => rng.normal())
  const [mean, sigma] = [model.sde.mean(t), model.sde.standardDeviation(t)]
  const noisy = flatData(clean)
  const x = tensor(
    noise.map((e, i) => mean * noisy[i]! + sigma * e),
    clean.shape,
  )
  const predicted = flatData(await model.scaledScore(x, t))
  let left = 0
  let whole = 0
  noise.forEach((e, i) => {
    left += (predicted[i]! + e) ** 2
    whole += e * e
  })
  return left / whole
}
