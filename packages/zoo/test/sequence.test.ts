// Every shipped sequence model is what its manifest says: it opens and scores held-out sequences as recorded.
import { flatData } from '@ood/core'
import { type GenomeSplit, syntheticGenomes } from '@ood/datasets'
import { openSequenceModel, type SequenceModel } from '@ood/models-autoregressive'
import { openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const names = (await Promise.all(listCheckpoints().map((name) => openCheckpoint(checkpointPath(name)))))
  .filter(({ manifest }) => manifest.kind === 'sequence')
  .map(({ manifest }) => manifest.name)

describe.each(names)('%s', (name) => {
  let model: SequenceModel
  beforeAll(async () => {
    model = await openSequenceModel(checkpointPath(name), { workers: 0, instance: 'mean' })
  })
  afterAll(() => model.release())
  const genomes = (split: GenomeSplit, n: number) => {
    const law = { ...(model.manifest.training?.genomes as Record<string, number>) }
    // The recipe also says how many sequences were drawn.
    for (const size of ['train', 'val', 'test']) delete law[size]
    return syntheticGenomes({ ...law, split, n })
  }

  it.each(['test_in', 'test_ood'] as const)('scores %s at the recorded log-probability', async (split) => {
    const { logProbPerToken } = model.manifest.metrics![split] as { logProbPerToken: number }
    const { instance } = await model.logProb(genomes(split, 100).x)
    const mean = instance.reduce((sum, value) => sum + value, 0) / instance.length
    const spread = Math.sqrt(instance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / instance.length)
    // The first 100 of the 2,000 recorded sequences: within four standard errors.
    expect(Math.abs(mean - logProbPerToken)).toBeLessThan(4 * (spread / 10))
  })

  it('gives a sequence the same bits in any batch', async () => {
    const { x } = genomes('val_ood', 9)
    const whole = flatData((await model.logProb(x)).feature)
    for (const batchSize of [1, 4]) expect(flatData((await model.logProb(x, { batchSize })).feature)).toEqual(whole)
  })

  it('agrees with PyTorch as recorded', () => {
    const { maxAbs, rows } = model.manifest.metrics!.export as { maxAbs: number; rows: number }
    expect(rows).toBeGreaterThan(8)
    // Logits of about 1 in float32.
    expect(maxAbs).toBeLessThan(1e-5)
  })
})

describe('the pair', () => {
  it('is one semantic and one background model', async () => {
    const roles = await Promise.all(names.map(async (name) => (await openCheckpoint(checkpointPath(name))).manifest))
    expect(roles.map(({ name, role, mutation }) => [name, role, mutation])).toEqual([
      ['lstm-genome', 'semantic', null],
      ['lstm-genome-background', 'background', { rate: 0.2, kind: 'categorical', valueRange: [0, 3] }],
    ])
  })
})
