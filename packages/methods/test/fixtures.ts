// Checkpoints of one shape, 1 x 8 x 8, with random weights: one of every role the registry knows, and images for them.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, random, tensor } from '@ood/core'
import { byRole, type Models, type OpenedModel, openModel, type Role } from '@ood/methods'
import {
  type Diffusion,
  type DiffusionLogProbOptions,
  gaussianMixtureScore,
  odeLogProb,
  vp,
} from '@ood/models-diffusion'
import { graphBuilder, int, readModel, writeModel } from '@ood/onnx'
import { writeManifest } from '@ood/runtime'
import { afterAll } from 'vitest'

const made: string[] = []
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A new folder, removed after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ood-methods-'))
  made.push(folder)
  return folder
}

const fixtureOf = (at: string): string => fileURLToPath(new URL(`../../${at}`, import.meta.url))

const sources: Partial<Record<Role, string>> = {
  flow: 'models-flow/test/fixtures/tiny-affine',
  flowBackground: 'models-flow/test/fixtures/tiny-rqs',
  autoregressive: 'models-autoregressive/test/fixtures/tiny-gray',
  autoregressiveBackground: 'models-autoregressive/test/fixtures/tiny-gray',
  diffusion: 'models-diffusion/test/fixtures/score-vp',
  sequence: 'models-autoregressive/test/fixtures/tiny-lstm',
  sequenceBackground: 'models-autoregressive/test/fixtures/tiny-lstm',
}

/** A classifier of 8 x 8 images with 6 features: the residual network of @ood/models-classifier, its output renamed. */
async function classifierFolder(folder: string): Promise<string> {
  const model = readModel(readFileSync(fixtureOf('models-classifier/test/fixtures/residual-dynamo.onnx')))
  const g = graphBuilder({ from: model })
  g.output('logits', 'output')
  writeFileSync(join(folder, 'logits.onnx'), writeModel(g.model()))
  await writeManifest(folder, {
    name: 'residual',
    kind: 'classifier',
    graphs: { logits: 'logits.onnx' },
    data: { dataset: 'none', shape: [1, 8, 8], valueRange: [0, 255] },
    preprocessing: [{ name: 'unit' }],
  })
  return folder
}

/** A flow on 6 features: z = x / 2. */
async function featureFlowFolder(folder: string): Promise<string> {
  const scaled = (input: string, output: string, factor: number): Uint8Array => {
    const g = graphBuilder()
    const x = g.input(input, 'float32', ['N', 6])
    g.output(output, g.op('Mul', [x, g.scalar('float32', factor)]))
    if (input === 'x') {
      const zeros = g.op('ReduceSum', [g.op('Mul', [x, g.scalar('float32', 0)]), g.int64([1])], { keepdims: int(0) })
      g.output('logdet', g.op('Add', [zeros, g.scalar('float32', 6 * Math.log(factor))]))
    }
    return writeModel(g.model())
  }
  writeFileSync(join(folder, 'encode.onnx'), scaled('x', 'z', 0.5))
  writeFileSync(join(folder, 'decode.onnx'), scaled('z', 'x', 2))
  await writeManifest(folder, {
    name: 'on-features',
    kind: 'flow',
    role: 'features',
    graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
    data: { dataset: 'features', shape: [6], valueRange: [-10, 10] },
    preprocessing: [],
  })
  return folder
}

/** A checkpoint folder of the role: a fixture, or for a background a copy with that role and other weights. */
export async function checkpoint(role: Role, into: string): Promise<string> {
  const folder = join(into, role)
  mkdirSync(folder, { recursive: true })
  if (role === 'classifier') return classifierFolder(folder)
  if (role === 'featureFlow') return featureFlowFolder(folder)
  const source = fixtureOf(sources[role]!)
  cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('golden.json') })
  if (!role.endsWith('Background')) return folder
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  const graphs = Object.fromEntries(
    Object.entries(manifest.graphs as Record<string, { file: string }>).map(([name, { file }]) => [name, file]),
  )
  for (const file of Object.values(graphs).filter((name) => !role.startsWith('flow') && name.endsWith('.onnx'))) {
    const model = readModel(readFileSync(join(folder, file)))
    const initializers = new Map(
      Array.from(model.graph.initializers, ([name, weights]) => [
        name,
        weights.data instanceof Float32Array ? { ...weights, data: weights.data.map((value) => 0.8 * value) } : weights,
      ]),
    )
    writeFileSync(join(folder, file), writeModel({ ...model, graph: { ...model.graph, initializers } }))
  }
  const { sha256: _, graphs: __, schemaVersion: ___, ...rest } = manifest
  await writeManifest(folder, { ...rest, name: `${manifest.name}-background`, role: 'background', graphs })
  return folder
}

/** All image models opened, by role, and their folders. */
export async function openAll(
  roles: readonly Role[] = ['flow', 'flowBackground', 'autoregressive', 'autoregressiveBackground', 'diffusion'],
): Promise<{ models: Models; folders: Record<string, string>; opened: OpenedModel[]; release(): Promise<void> }> {
  const into = temporaryFolder()
  const folders: Record<string, string> = {}
  const opened: OpenedModel[] = []
  for (const role of roles) {
    folders[role] = await checkpoint(role, into)
    opened.push(await openModel(folders[role], { workers: 0 }))
  }
  return {
    models: byRole(opened),
    folders,
    opened,
    release: async () => {
      for (const { release } of opened) await release()
    },
  }
}

/** Smooth grey images of bytes: sums of two waves with some noise; `seed` draws them. */
export function images(count: number, seed: number): NdArray {
  const data = new Float32Array(count * 64)
  const root = random(seed)
  for (let row = 0; row < count; row++) {
    const rng = root.fork(row)
    const [a, b, c, d] = [rng.normal(), rng.normal(), rng.normal(), rng.normal()]
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) {
        const wave = Math.sin(0.5 * (a * x + b * y) + c) + 0.5 * Math.sin(d * (x - y))
        data[row * 64 + y * 8 + x] = Math.max(0, Math.min(255, Math.round(128 + 60 * wave + 8 * rng.normal())))
      }
  }
  return tensor(data, [count, 1, 8, 8])
}

/** Mean of every number, and numbers of large variance, of the two Gaussians of `exactDiffusion`. */
const parts = [
  { mean: 0.4, wide: 8 },
  { mean: -0.4, wide: 24 },
] as const

/** Rows of `exactDiffusion`, in its raw units. */
export function exactRows(count: number, seed: number): NdArray {
  const root = random(seed)
  const data = new Float64Array(count * 64)
  for (let row = 0; row < count; row++) {
    const rng = root.fork(row)
    const { mean, wide } = parts[row % 2]!
    for (let j = 0; j < 64; j++)
      data[row * 64 + j] = 127.5 * (1 + mean + Math.sqrt(j < wide ? 0.3 : 0.01) * rng.normal())
  }
  return tensor(data, [count, 1, 8, 8])
}

/**
 * A score model that is known exactly, with the interface of an opened one: two Gaussians of different dimension. Its
 * flow of probability is not stiff, as that of random weights is.
 */
export function exactDiffusion(): Diffusion {
  const components = parts.map(({ mean, wide }) => ({
    weight: 1,
    mean: new Float64Array(64).fill(mean),
    covariance: Float64Array.from({ length: 64 }, (_, j) => (j < wide ? 0.3 : 0.01)),
  }))
  const model = gaussianMixtureScore(components, vp(), { dataShape: [1, 8, 8] })
  const preprocess = async (x: NdArray): Promise<NdArray> =>
    tensor(
      Float64Array.from(flatData(x), (value) => value / 127.5 - 1),
      x.shape,
    )
  return {
    ...model,
    dimension: 64,
    preprocess,
    logProb: async (x: NdArray, options: DiffusionLogProbOptions = {}) => {
      const { input: _, space: __, ...rest } = options
      return await odeLogProb(model, await preprocess(x), rest)
    },
    release: async () => {},
  } as unknown as Diffusion
}

/** Rows of 12 tokens of 0..4. */
export function sequences(count: number, seed: number): NdArray {
  const rng = random(seed)
  const data = Float32Array.from({ length: count * 12 }, () => Math.floor(5 * rng.uniform()))
  return tensor(data, [count, 12])
}
