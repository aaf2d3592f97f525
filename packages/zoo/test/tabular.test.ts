// Shipped models of manifold points: they open, invert, score as recorded, and know the dimensions they were trained on.
import { flatData, tensor } from '@ood/core'
import { manifold } from '@ood/datasets'
import { thresholdDimension, thresholdLid } from '@ood/lid'
import { openFlow } from '@ood/models-flow'
import { openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { describe, expect, it } from 'vitest'

interface Points {
  manifold: string
  seed: number
  standardize: 'auto' | 'yes' | 'no'
}

/** Fresh points of the manifold that a checkpoint names, as float32 rows. */
function fresh(points: Points, n: number, split: string) {
  const { manifold: name, seed, standardize } = points
  const set = manifold(name, {
    n,
    seed,
    split,
    ...(standardize !== 'auto' && { standardize: standardize === 'yes' }),
  }).all()
  return { x: tensor(Float32Array.from(flatData(set.points)), set.points.shape), lid: set.lid }
}

const opened = await Promise.all(listCheckpoints().map((name) => openCheckpoint(checkpointPath(name))))
const tabular = opened.filter(({ manifest }) => manifest.data.shape.length === 1)
/** Flows of manifold points; those of real tables have other tests. */
const flows = tabular
  .filter(({ manifest }) => manifest.kind === 'flow' && manifest.training?.points !== undefined)
  .map((c) => [c.manifest.name, c] as const)

describe('tabular checkpoints', () => {
  it('cover the lollipop with a flow and a diffusion', () => {
    expect(tabular.map(({ manifest }) => manifest.name)).toEqual(
      expect.arrayContaining(['diffusion-lollipop', 'flow-lollipop']),
    )
  })

  it.each(flows)('%s undoes itself and scores fresh points as recorded', async (_, checkpoint) => {
    const { manifest } = checkpoint
    const { points, noise } = manifest.training as { points: Points; noise: number }
    // The very points the record is of: the validation split, up to the training noise, which both means average over.
    const { x } = fresh(points, 400, 'validation')
    const flow = await openFlow(checkpoint, { workers: 0 })
    const report = await flow.invertibilityReport(x)
    // Float32 through a few splines: far below the noise the flow was trained with.
    expect(report.data.max).toBeLessThan(noise / 10)
    const { instance } = await flow.logProb(x)
    const mean = instance.reduce((sum, value) => sum + value, 0) / instance.length
    const recorded = (manifest.metrics as { logProb: { validation: number } }).logProb.validation
    const deviation = Math.sqrt(instance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / instance.length)
    // Without noise a row is likelier, by half a nat a direction off the manifold; the rest is 4 standard errors.
    const gain = 0.5 * flow.dimension
    expect(mean - recorded).toBeGreaterThan(-4 * (deviation / Math.sqrt(instance.length)))
    expect(mean - recorded).toBeLessThan(gain + 4 * (deviation / Math.sqrt(instance.length)))
    await flow.release()
  })

  it('flow-lollipop tells disc, stick and dot by their dimensions', async () => {
    const checkpoint = await openCheckpoint(checkpointPath('flow-lollipop'))
    const { x, lid } = fresh((checkpoint.manifest.training as { points: Points }).points, 60, 'test')
    const flow = await openFlow(checkpoint, { workers: 0 })
    // s = -3 lies between the training noise (log 0.01 = -4.6) and the size of the data (0).
    const found = thresholdDimension(await thresholdLid(flow).prepare(x), -3)
    const wrong = found.filter((value, i) => value !== lid[i]).length
    // Points on the rim, where stick and disc meet, may fall to either side.
    expect(wrong).toBeLessThanOrEqual(3)
    await flow.release()
  })
})
