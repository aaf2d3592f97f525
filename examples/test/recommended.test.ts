// The recommended detector beside the paper's rule: the same scores as the method on images, and blind to the other splits.
import { fileURLToPath } from 'node:url'
import { type NdArray, random, tensor } from '@ood/core'
import { type Columns, fitMethod, measure as measureColumns, measureNeeds } from '@ood/detect'
import { recommendedMethod } from '@ood/methods'
import { type Flow, openFlow } from '@ood/models-flow'
import { auroc } from '@ood/roc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eachName, type SplitName, splitNames } from '../common/splits.ts'
import { needsOf, recommend } from '../likelihood-paradox/flow-study.ts'

const checkpoint = fileURLToPath(new URL('../../packages/models-flow/test/fixtures/tiny-affine', import.meta.url))
const N = 24
const seed = 3
let flow: Flow
beforeAll(async () => {
  flow = await openFlow(checkpoint, { workers: 0 })
})
afterAll(() => flow.release())

/** Bytes of one brightness: OOD images are brighter and flatter than the others. */
function imagesOf(split: SplitName): NdArray {
  const rng = random(11).fork(split)
  const size = flow.dataShape.reduce((product, n) => product * n, N)
  const pixel = () => (split === 'ood' ? 180 + rng.integer(40) : rng.integer(200))
  return tensor(Float32Array.from({ length: size }, pixel), [N, ...flow.dataShape])
}

const measured = (): Promise<Record<SplitName, Columns>> =>
  eachName(splitNames, (split) => measureNeeds(needsOf(flow), imagesOf(split), { seed }))

describe('recommend', () => {
  it('scores as the method does that measures images itself', async () => {
    const found = recommend(recommendedMethod({ flow }), await measured())
    const method = recommendedMethod({ flow })
    const { fit } = await fitMethod(method, (needs) => measureNeeds(needs, imagesOf('in_distr_train'), { seed }))
    const score = async (name: SplitName) =>
      method.score(await measureColumns(method, imagesOf(name), { seed }, fit), fit)
    const ood = await score('ood')
    expect(found.auc).toEqual({
      inDistr: auroc(ood, await score('in_distr_test')),
      generated: auroc(ood, await score('generated')),
    })
    expect(found.statistics).toEqual(['flow and PNG', 'LID', 'pixels'])
    expect(found.auc.inDistr).toBeGreaterThan(0.9)
    expect(found.interval[0]).toBeLessThanOrEqual(found.auc.inDistr)
  })

  it('learns from training images alone: another split among the others moves no score of the rest', async () => {
    const splits = await measured()
    const before = recommend(recommendedMethod({ flow }), splits)
    const after = recommend(recommendedMethod({ flow }), { ...splits, generated: splits.ood })
    expect(after.auc.inDistr).toBe(before.auc.inDistr)
    expect(after.auc.generated).toBe(0.5)
  })

  it('reads the LID curve off the artifact that the paper needs: one Jacobian an image', () => {
    const { artifact } = needsOf(flow)
    const recommended = recommendedMethod({ flow }).needs()
    expect(Object.values(recommended).filter(({ key }) => key === artifact!.key)).toHaveLength(1)
    const distinct = new Set(Object.values(needsOf(flow)).map(({ key }) => key))
    expect([...distinct].filter((key) => key.includes('rtifact') || key.includes('hreshold'))).toHaveLength(1)
  })
})
