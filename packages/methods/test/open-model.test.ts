// Opening checkpoints by their manifests, roles, and what the registry makes of the models that are there.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  availableMethods,
  byRole,
  makeMethod,
  methodOf,
  methods,
  missingRoles,
  openModel,
  statisticsOf,
} from '@ood/methods'
import { describe, expect, it } from 'vitest'
import { checkpoint, openAll, temporaryFolder } from './fixtures.ts'

describe('openModel', () => {
  it.each([
    'flow',
    'flowBackground',
    'autoregressive',
    'autoregressiveBackground',
    'diffusion',
    'sequence',
    'sequenceBackground',
  ] as const)('opens a model of role %s', async (role) => {
    const folder = await checkpoint(role, temporaryFolder())
    const found = await openModel(folder, { workers: 0 })
    expect([found.role, found.folder]).toEqual([role, folder])
    expect(typeof (found.model as { logProb: unknown }).logProb).toBe('function')
    await found.release()
  })

  it('opens a classifier, from a folder or a file, and a flow on its features', async () => {
    const into = temporaryFolder()
    const folder = await checkpoint('classifier', into)
    for (const source of [folder, join(folder, 'logits.onnx')]) {
      const found = await openModel(source, { workers: 0 })
      expect(found.role).toBe('classifier')
      expect((found.model as { classes: number }).classes).toBe(4)
      await found.release()
    }
    const flow = await openModel(await checkpoint('featureFlow', into), { workers: 0 })
    const classifier = await openModel(folder, { workers: 0 })
    expect(flow.role).toBe('featureFlow')
    expect(Object.keys(byRole([classifier, flow]))).toEqual(['classifier', 'featureFlow'])
    await flow.release()
    await classifier.release()
  })

  it('refuses other kinds by name', async () => {
    const folder = await checkpoint('sequence', temporaryFolder())
    const file = join(folder, 'manifest.json')
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(
      file,
      JSON.stringify({
        ...manifest,
        kind: 'cvpn',
        graphs: { forward: manifest.graphs.logits, inverse: manifest.graphs.logits },
      }),
    )
    await expect(openModel(folder)).rejects.toThrow(/or classifier model, got kind cvpn/)
  })
})

describe('byRole', () => {
  it('refuses two of one role and models of other shapes', async () => {
    const into = temporaryFolder()
    const flow = await openModel(await checkpoint('flow', into), { workers: 0 })
    const sequence = await openModel(await checkpoint('sequence', into), { workers: 0 })
    expect(() => byRole([flow, flow])).toThrow(/second model of role flow.*tiny-affine/)
    expect(() => byRole([flow, sequence])).toThrow('expected data of shape [1,8,8], got [12] of tiny-lstm')
    expect(byRole([])).toEqual({})
    await flow.release()
    await sequence.release()
  })
})

describe('what the models allow', () => {
  it('lists the methods whose models are there; slow ones on request', async () => {
    const { models, release } = await openAll()
    const names = availableMethods(models).map(({ name }) => name)
    expect(names.length).toBeGreaterThanOrEqual(20)
    expect(names).not.toContain('diffusion-likelihood')
    const slow = methods.filter((entry) => entry.slow && missingRoles(entry, models).length === 0)
    expect(slow.map(({ name }) => name)).toContain('diffusion-likelihood')
    expect(availableMethods(models, { slow: true }).length).toBe(names.length + slow.length)
    const { flow } = models
    expect(availableMethods({ flow: flow! }).every(({ roles }) => roles.join() === 'flow')).toBe(true)
    expect(availableMethods({})).toEqual([])
    expect(statisticsOf({ flow: flow! }, 'cheap').map(({ name }) => name)).toEqual([
      'PNG bits',
      'flow log p',
      'pixel values',
      'flow latents',
    ])
    await release()
  })

  it('leaves code lengths out where the data are no 8-bit images', async () => {
    const { models, release } = await openAll(['flow'])
    const flow = {
      ...models.flow!,
      manifest: { ...models.flow!.manifest, data: { shape: [1, 8, 8], valueRange: [-1, 1] } },
    }
    const other = { flow: flow as unknown as NonNullable<typeof models.flow> }
    expect(availableMethods(other).map(({ name }) => name)).not.toContain('flow-complexity')
    expect(statisticsOf(other).map(({ name }) => name)).not.toContain('PNG bits')
    expect(() => makeMethod('flow-complexity', other)).toThrow(
      'method flow-complexity: expected models of 8-bit images',
    )
    await release()
  })

  it('says which names there are', () => {
    expect(() => makeMethod('flow-rato', {})).toThrow(
      /method: expected one of \d+ names such as flow-ratio, .*got flow-rato/,
    )
    expect(() => makeMethod('pixelcnn-ratio', {})).toThrow(/of role autoregressive, autoregressiveBackground/)
  })
})

describe('methodOf', () => {
  it('names what cannot be made again', async () => {
    await expect(methodOf('Own', {}, {})).rejects.toThrow(/stored method: expected one of .*LLR.*got Own/)
    await expect(methodOf('LLR', {}, { semantic: {} })).rejects.toThrow('models of LLR: expected a model background')
    await expect(methodOf('WAIC', { members: 1e9 }, {})).rejects.toThrow('members')
    await expect(methodOf('InputComplexity', { codecs: ['own'] }, { model: {} })).rejects.toThrow(/codec: .*got own/)
    await expect(methodOf('LikelihoodLid', { estimator: 'custom', scale: 1 }, { model: {} })).rejects.toThrow(
      /LID estimator: expected one of flowArtifact.*got custom/,
    )
    await expect(methodOf('DoSE', { statistics: ['background log p'] }, {})).rejects.toThrow(
      /statistic of the models \(none\): .*got background log p/,
    )
    await expect(methodOf('WorstOf', { members: [null] }, {})).rejects.toThrow('members.0')
  })
})
