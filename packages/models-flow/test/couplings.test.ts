// Maps of couplings: against PyTorch, by name and by structure, and in image layout as what the flow does to a row.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, tensor } from '@ood/core'
import { couplings, latentImages, latentLayout, openCouplings, openFlow } from '@ood/models-flow'
import { type Model, readModel, writeModel } from '@ood/onnx'
import { openCheckpoint, writeManifest } from '@ood/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { normwiseError } from './golden.ts'

type Nested = number | Nested[]
const flat = (value: Nested): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value])
const shapeOf = (value: Nested): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? 0)] : [])
const batch = (value: Nested): NdArray<Float32Array> => tensor(Float32Array.from(flat(value)), shapeOf(value))
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const json = <T>(name: string, file: string): T => JSON.parse(readFileSync(join(fixture(name), file), 'utf8')) as T

interface Golden {
  encode: { x: Nested; z: Nested; logdet: Nested }
  inner: Record<string, Nested>
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A copy of a fixture whose encoder is changed, and its manifest's `model`. */
async function altered(name: string, change: (model: Model) => Model, model?: unknown): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ood-couplings-'))
  folders.push(folder)
  const { manifest } = await openCheckpoint(fixture(name))
  const encoder = change(readModel(readFileSync(join(fixture(name), 'encode.onnx'))))
  writeFileSync(join(folder, 'encode.onnx'), writeModel(encoder))
  writeFileSync(join(folder, 'decode.onnx'), readFileSync(join(fixture(name), 'decode.onnx')))
  const { sha256: _, schemaVersion: __, graphs: ___, ...rest } = manifest
  await writeManifest(folder, {
    ...rest,
    model: model ?? manifest.model,
    graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
  })
  return folder
}

/** The graph with every inner value renamed, so that names say nothing. */
function anonymous(model: Model): Model {
  const kept = new Set([...model.graph.inputs, ...model.graph.outputs].map(({ name }) => name))
  const names = new Map<string, string>()
  for (const node of model.graph.nodes)
    for (const name of node.outputs) if (name !== '' && !kept.has(name)) names.set(name, `v${names.size}`)
  const renamed = (list: readonly string[]): string[] => list.map((name) => names.get(name) ?? name)
  const nodes = model.graph.nodes.map((node) => ({
    ...node,
    inputs: renamed(node.inputs),
    outputs: renamed(node.outputs),
  }))
  return { ...model, graph: { ...model.graph, nodes, valueInfo: new Map() } }
}

describe.each(['tiny-realnvp', 'tiny-glow', 'tiny-cycle'])('couplings of %s', (name) => {
  const golden = json<Golden>(name, 'golden.json')
  const x = batch(golden.encode.x)

  it('are listed with shapes and masks', async () => {
    const list = await couplings(fixture(name))
    expect(list.map((one) => one.name)).toEqual(
      Object.keys(golden.inner).flatMap((key) => (key.endsWith('.s') ? [key.slice(0, -2)] : [])),
    )
    for (const { form, mask, input, shape } of list) {
      expect(form).toBe('shift-scale')
      expect(mask?.kind).toBe(
        name === 'tiny-cycle' ? 'quadrant' : mask?.kind === 'channel' ? 'channel' : 'checkerboard',
      )
      expect(shape.slice(1)).toEqual(input!.slice(1))
    }
  })

  it('have the maps that PyTorch has, by name and by structure', async () => {
    for (const folder of [fixture(name), await altered(name, anonymous)]) {
      const inside = await openCouplings(folder)
      const maps = await inside.maps(x, { input: 'model', batchSize: 3 })
      expect(Object.keys(maps)).toEqual(inside.couplings.map((one) => one.name))
      for (const { name: key, values } of inside.couplings) {
        if (folder !== fixture(name)) expect(values.s).toMatch(/^v\d+$/)
        for (const which of ['s', 't'] as const) {
          const want = golden.inner[`${key}.${which}`]!
          const got = maps[key]![which]
          // By structure a masked map may be found before its mask.
          if (folder === fixture(name)) expect(got.shape).toEqual(shapeOf(want))
          // float32 of a graph against float64 of PyTorch.
          expect(normwiseError(flatData(got), want)).toBeLessThan(1e-5)
        }
      }
      await inside.release()
    }
  })

  it('in image layout are what the flow does to a row: y = (x + t) exp(s), with the latents at the end', async () => {
    const inside = await openCouplings(fixture(name))
    const maps = await inside.maps(x, { input: 'model' })
    const flow = await openFlow(fixture(name), { workers: 0 })
    const { logDet } = await flow.terms(x, { input: 'model' })
    const n = x.shape[0]!
    const sums = new Float64Array(n)
    let before = flatData(x)
    for (const { name: key } of inside.couplings) {
      const { s, t, y } = maps[key]!.image!
      expect(s.shape).toEqual(x.shape)
      const [S, T, Y] = [flatData(s), flatData(t), flatData(y!)]
      for (let i = 0; i < S.length; i++) {
        sums[Math.floor(i / 64)] = sums[Math.floor(i / 64)]! + S[i]!
        // Glow has a linear layer in front of every coupling, which moves the row.
        if (name === 'tiny-glow') continue
        expect(Math.abs((before[i]! + T[i]!) * Math.exp(S[i]!) - Y[i]!)).toBeLessThan(1e-4)
      }
      before = Y
    }
    // What is left of the log-determinant is the linear layers': the same for every row.
    for (let row = 0; row < n; row++)
      expect(Math.abs(logDet[row]! - sums[row]! - (logDet[0]! - sums[0]!))).toBeLessThan(1e-4)
    if (name !== 'tiny-glow') expect(Math.abs(logDet[0]! - sums[0]!)).toBeLessThan(1e-4)
    // What leaves the last coupling, with what left before, is z as an image.
    const { image } = latentImages(await flow.encode(x, { input: 'model' }), latentLayout(flow.manifest))
    expect(normwiseError(before, Array.from(flatData(image)))).toBeLessThan(1e-6)
    await inside.release()
    await flow.release()
  })
})

describe('couplings of tiny-affine, an older graph without names', () => {
  const golden = json<Golden>('tiny-affine', 'golden.json')
  const torch = json<{ couplings: { s: Nested; t: Nested }[] }>('tiny-affine', 'couplings.json')

  it('are found by structure, with the logarithms of scales and the shifts that PyTorch has', async () => {
    const inside = await openCouplings(fixture('tiny-affine'))
    expect(inside.couplings.map(({ name, form, mask }) => [name, form, mask?.kind])).toEqual(
      torch.couplings.map((_, k) => [`coupling.${k}`, 'scale-shift', 'channel']),
    )
    const maps = await inside.maps(batch(golden.encode.x), { input: 'model' })
    for (const [k, want] of torch.couplings.entries()) {
      const got = maps[`coupling.${k}`]!
      expect(normwiseError(flatData(got.s), want.s)).toBeLessThan(1e-5)
      expect(normwiseError(flatData(got.t), want.t)).toBeLessThan(1e-5)
      expect(got.image!.s.shape).toEqual([4, 1, 8, 8])
    }
    await inside.release()
  })

  it('preprocesses raw rows as the flow does, and takes some couplings only', async () => {
    const inside = await openCouplings(fixture('tiny-affine'))
    const raw = tensor(
      Float32Array.from({ length: 128 }, (_, i) => (i * 37) % 256),
      [2, 1, 8, 8],
    )
    const flow = await openFlow(fixture('tiny-affine'), { workers: 0 })
    const v = await flow.preprocess(raw, { seed: 4, rows: [7, 9] })
    const options = { names: ['coupling.2'] }
    const a = await inside.maps(raw, { ...options, seed: 4, rows: [7, 9] })
    const b = await inside.maps(v, { ...options, input: 'model' })
    expect(Object.keys(a)).toEqual(['coupling.2'])
    expect(flatData(a['coupling.2']!.s)).toEqual(flatData(b['coupling.2']!.s))
    await expect(inside.maps(raw, { names: ['coupling.9'] })).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
      message: expect.stringMatching(/^coupling: expected one of coupling.0, .*, got coupling.9$/),
    })
    await expect(inside.maps(tensor(new Float32Array(4), [1, 4]))).rejects.toThrow(
      'couplings maps: expected shape [N, 1, 8, 8], got [1, 4]',
    )
    await flow.release()
    await inside.release()
  })
})

describe('couplings', () => {
  it('says that a graph has none', async () => {
    await expect(couplings(fixture('tiny-rqs'))).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      message: expect.stringContaining('couplings of tiny-rqs: expected affine couplings'),
    })
  })

  it('leaves image layout out where the manifest says nothing of the inside', async () => {
    const folder = await altered('tiny-realnvp', (model) => model, {})
    const list = await couplings(folder)
    expect(list).toHaveLength(10)
    expect(list[3]).toMatchObject({ name: 'coupling.3', shape: [2, 4, 4] })
    expect(list[3]).not.toHaveProperty('mask')
    const inside = await openCouplings(folder)
    const { 'coupling.3': maps } = await inside.maps(batch(json<Golden>('tiny-realnvp', 'golden.json').encode.x), {
      input: 'model',
      names: ['coupling.3'],
    })
    expect(maps!.image).toBeUndefined()
    await inside.release()
  })

  it('refuses a manifest whose layers are of another size than the graph', async () => {
    const { manifest } = await openCheckpoint(fixture('tiny-realnvp'))
    const model = structuredClone(manifest.model) as { layers: { mask?: { kind: string } }[] }
    model.layers[4]!.mask!.kind = 'checkerboard'
    const folder = await altered('tiny-realnvp', (same) => same, model)
    await expect(couplings(folder)).rejects.toThrow('coupling.3: expected maps of [4,4,4] as model says, got [2,4,4]')
  })
})
