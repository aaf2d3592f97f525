// A small experiment over a run folder, shared by the tests that interrupt it.
import { type Progress, random, tensor } from '@ood/core'
import { openRun } from '../src/index.ts'

/** What the tests may vary. */
export interface ExperimentOptions {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Called before each piece of real work. */
  onCompute?: (what: string) => void
  n?: number
}

/** Writes every kind of file a run has; takes no input but its options, so two runs must agree to the last byte. */
export async function experiment(folder: string, options: ExperimentOptions = {}): Promise<void> {
  const { onCompute = () => {}, n = 7, signal, onProgress } = options
  const run = openRun({ folder, config: { n, seed: 3, pair: ['a', 'b'], scale: { from: -10, to: 5 } } })
  try {
    const scales = Float64Array.from({ length: 4 }, (_, i) => -3 + i)
    const train = await run.step('train', () => {
      onCompute('train')
      return { mean: 0.1 + 0.2, worst: Number.NEGATIVE_INFINITY, ids: Int32Array.of(3, 1, 2), note: 'ü "quoted"' }
    })
    const curve = await run.batches(
      'pair/curve',
      n,
      3,
      (from, to) => {
        onCompute(`curve ${from}`)
        const rows = to - from
        const lid = new Float64Array(rows * scales.length)
        const logProb = new Float64Array(rows)
        for (let i = 0; i < rows; i++) {
          const rng = random(3).fork(from + i)
          logProb[i] = rng.normal() * 100
          for (let s = 0; s < scales.length; s++) lid[i * scales.length + s] = rng.normal() + train.mean
        }
        return { lid: tensor(lid, [rows, scales.length]), logProb }
      },
      { ...(signal && { signal }), ...(onProgress && { onProgress }) },
    )
    const rows = Array.from({ length: n }, (_, i) => Array.from(scales, (_, s) => curve.lid.get(i, s)))
    run.writeTrend('ood', scales, rows)
    run.writeCsv('ood', { likelihood: curve.logProb, JacobianThresholdLID: rows.map((row) => row[0]!) })
    run.writeText('report.html', `<p>${train.note} ${train.worst}</p>`)
    run.writeJson('summary.json', { ids: train.ids, best: Math.max(...curve.logProb) })
    run.finish()
  } finally {
    run.close()
  }
}
