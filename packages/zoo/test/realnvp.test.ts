// The paper's directions on the scores that were recorded when the RealNVP flows were exported, and the flows of tables.
import { random, tensor } from '@ood/core'
import { openFlow } from '@ood/models-flow'
import { openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { describe, expect, it } from 'vitest'

interface Metrics {
  /** Of -log p, the other set as positives. */
  auroc: Record<string, number>
  export: Record<'real' | 'samples', { roundTrip: { maxAbs: number }; encode: { logdet: { maxRelative: number } } }> & {
    jacobian: { error: number }
  }
}

const manifests = await Promise.all(
  listCheckpoints().map(async (name) => (await openCheckpoint(checkpointPath(name))).manifest),
)
const flows = manifests.filter(({ kind, metrics }) => kind === 'flow' && metrics?.auroc !== undefined)
const metricsOf = (name: string): Metrics =>
  manifests.find((manifest) => manifest.name === name)?.metrics as unknown as Metrics
const auroc = (name: string, set = 'mnist'): number => metricsOf(name).auroc[set]!

describe('likelihoods of flows trained on Fashion-MNIST', () => {
  it.each(['realnvp-fmnist', 'realnvp-fmnist-checkerboard', 'glow-fmnist'])('%s rates MNIST likelier', (name) => {
    expect(auroc(name)).toBeLessThan(0.2)
  })

  it.each(['cycle', 'bottleneck'])('%s tells MNIST apart clearly better than the checkerboard of its size', (name) => {
    expect(auroc(`realnvp-fmnist-${name}`)).toBeGreaterThan(auroc('realnvp-fmnist-checkerboard') + 0.3)
  })

  it('horizontal masks lie between', () => {
    const score = auroc('realnvp-fmnist-horizontal')
    expect(score).toBeGreaterThan(auroc('realnvp-fmnist-checkerboard') + 0.1)
    expect(score).toBeLessThan(auroc('realnvp-fmnist-cycle'))
  })

  it('negative training reverses the order', () => {
    expect(auroc('realnvp-fmnist-negative')).toBeGreaterThan(0.99)
  })

  it('features tell MNIST apart where pixels do not', () => {
    expect(auroc('realnvp-fmnist-features', 'features:mnist')).toBeGreaterThan(0.9)
  })
})

describe.each(flows.map(({ name }) => name))('%s', (name) => {
  it('was exported with a small round trip and the log-determinant of float64', () => {
    const record = metricsOf(name).export
    for (const rows of [record.real, record.samples]) {
      expect(rows.roundTrip.maxAbs).toBeLessThan(1e-3)
      expect(rows.encode.logdet.maxRelative).toBeLessThan(1e-4)
    }
    expect(record.jacobian.error).toBeLessThan(1e-8)
  })
})

const tables = flows.filter(({ data }) => data.shape.length === 1).map(({ name }) => name)
it.each(tables)('%s undoes itself on its own samples', async (name) => {
  const flow = await openFlow(checkpointPath(name), { workers: 0 })
  const d = flow.dimension
  const rng = random(1)
  const z = tensor(
    Float32Array.from({ length: 16 * d }, () => rng.normal()),
    [16, d],
  )
  const rows = await flow.decode(z, { space: 'model' })
  const report = await flow.invertibilityReport(rows, { input: 'model' })
  expect(report.data.max).toBeLessThan(1e-3)
  // Raw rows go through the standardisation of the manifest.
  const raw = await flow.decode(z)
  const { instance } = await flow.logProb(raw)
  const { instance: standard } = await flow.logProb(rows, { input: 'model' })
  const { std } = flow.manifest.preprocessing[0] as unknown as { std: number[] }
  const constant = std.reduce((sum, value) => sum + Math.log(value), 0)
  // Raw rows are rounded to float32 in other units: a few 1e-3 nats over up to 64 features.
  for (const [i, value] of instance.entries()) expect(value).toBeCloseTo(standard[i]! - constant, 1)
  await flow.release()
})
