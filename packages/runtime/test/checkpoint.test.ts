// Checkpoint folders: what is accepted, and one exact error for everything that can be wrong with one.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Manifest, openCheckpoint, openSession, parseManifest, writeManifest } from '@ood/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const description = {
  name: 'tiny',
  kind: 'flow' as const,
  graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
  data: { dataset: 'none', shape: [2], valueRange: [-1, 1] as [number, number] },
  preprocessing: [],
  latentShape: [2],
}
let folder: string
let file: string
let good: Manifest
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ood-checkpoint-'))
  file = join(folder, 'manifest.json')
  for (const name of ['encode.onnx', 'decode.onnx']) copyFileSync(fixture(name), join(folder, name))
  good = await writeManifest(folder, description)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Rewrites the manifest after a change. */
/** A manifest that a test may spoil anywhere. */
type LooseGraph = { file: unknown; inputs: object; outputs: object }
type LooseManifest = { [field: string]: unknown; graphs: Record<'encode' | 'decode', LooseGraph>; sha256: object }

function change(edit: (manifest: LooseManifest) => void): void {
  const manifest = structuredClone(good) as unknown as LooseManifest
  edit(manifest)
  writeFileSync(file, JSON.stringify(manifest))
}

describe('what would never end or fill a screen', () => {
  it.skipIf(process.platform === 'win32')('a pipe in place of a file is refused at once', async () => {
    for (const name of ['encode.onnx', 'manifest.json']) {
      const path = join(folder, name)
      rmSync(path)
      execFileSync('mkfifo', [path])
      await expect(openCheckpoint(folder)).rejects.toMatchObject({
        code: 'E_FILE',
        message: `${path}: expected a file, got a special file`,
      })
      if (name === 'encode.onnx') {
        await expect(writeManifest(folder, description)).rejects.toMatchObject({ code: 'E_FILE' })
        await expect(openSession(path)).rejects.toMatchObject({
          code: 'E_FILE',
          message: `${path}: expected an ONNX graph that loads, got a special file`,
        })
      }
    }
  })

  it('a folder in place of a graph is refused', async () => {
    await expect(openSession(folder)).rejects.toMatchObject({ code: 'E_FILE' })
    await expect(openSession(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it('deep, wide and long JSON gives one short line', async () => {
    const text = JSON.stringify(good)
    const deep = `${'['.repeat(300_000)}1${']'.repeat(300_000)}`
    const wide = JSON.stringify(Array(400).fill(Array(200).fill('y'.repeat(8))))
    for (const value of [deep, wide, JSON.stringify('z'.repeat(860_000)), '{'.repeat(300_000)]) {
      for (const field of ['"flow"', '[2]', '1', '[]']) {
        writeFileSync(file, text.replace(field, value))
        const error: Error = await openCheckpoint(folder).then(
          () => expect.fail(`${field} passed`),
          (cause: Error) => cause,
        )
        expect(error).toMatchObject({ name: 'OodError', code: 'E_MANIFEST' })
        expect(error.message.length).toBeLessThan(300)
        expect(error.message).toContain('manifest.json')
      }
    }
  })

  it('a manifest of a thousand graphs is not worked through', async () => {
    change((manifest) => {
      for (let i = 0; i < 1000; i++) Object.assign(manifest.graphs, { [`extra${i}`]: manifest.graphs.encode })
    })
    await expect(openCheckpoint(folder)).rejects.toThrow('graphs: expected at most 64 graphs, got 1002')
  })
})

describe('writeManifest and openCheckpoint', () => {
  it('reads ports and hashes off the graphs', async () => {
    expect(good).toMatchObject({ schemaVersion: 1, ...description, graphs: {} as object })
    expect(good.graphs).toEqual({
      encode: { file: 'encode.onnx', inputs: { x: ['N', 2] }, outputs: { z: ['N', 2], logdet: ['N'] } },
      decode: { file: 'decode.onnx', inputs: { z: ['N', 2] }, outputs: { x: ['N', 2] } },
    })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(good)
  })

  it('opens what was written and gives the graphs', async () => {
    const checkpoint = await openCheckpoint(folder)
    expect(checkpoint.manifest).toEqual(good)
    const session = await openSession(await checkpoint.graph('decode'))
    const { x } = await session.run({ z: { data: Float32Array.of(1, -1), shape: [1, 2] } })
    expect(x!.data).toEqual(Float32Array.of(3, -1))
    await session.release()
    await expect(checkpoint.graph('score')).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: `${file} graphs: expected a graph score, got encode, decode`,
    })
  })

  it('keeps fields it does not know', async () => {
    await writeManifest(folder, { ...description, base: 'standard-normal', metrics: { test: { bitsPerDim: 3 } } })
    const { manifest } = await openCheckpoint(folder)
    expect(manifest).toMatchObject({ base: 'standard-normal', metrics: { test: { bitsPerDim: 3 } } })
  })

  it('refuses to write what it would not open, and leaves the old manifest', async () => {
    await expect(writeManifest(folder, { ...description, graphs: { encode: 'encode.onnx' } })).rejects.toThrow(
      `${file} graphs.decode: expected a value, got undefined`,
    )
    await expect(
      writeManifest(folder, { ...description, graphs: { encode: 'decode.onnx', decode: 'encode.onnx' } }),
    ).rejects.toThrow(`${file} graphs.encode.inputs: expected x, got z (export with input_names=['x'])`)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(good)
  })
})

describe('a damaged folder', () => {
  it('has no manifest', async () => {
    rmSync(file)
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'E_FILE',
      message: `${file}: expected a readable file, got nothing there`,
    })
  })

  it('has a manifest that is no JSON, truncated, a folder or far too large', async () => {
    writeFileSync(file, 'hello')
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: expect.stringContaining(`${file}: expected JSON, got Unexpected token`),
    })
    writeFileSync(file, JSON.stringify(good).slice(0, 40))
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'E_MANIFEST' })
    writeFileSync(file, Uint8Array.of(0x22, 0xff, 0x22))
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'E_MANIFEST' })
    writeFileSync(file, ' '.repeat(2 ** 20 + 1))
    await expect(openCheckpoint(folder)).rejects.toThrow(`${file}: expected at most 1048576 bytes, got 1048577`)
    rmSync(file)
    mkdirSync(file)
    await expect(openCheckpoint(folder)).rejects.toThrow(`${file}: expected a file, got a folder`)
  })

  it('misses a graph, or has it truncated or altered', async () => {
    const graph = join(folder, 'decode.onnx')
    truncateSync(graph, 100)
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'E_CHECKSUM',
      message: expect.stringMatching(/decode\.onnx: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}$/),
    })
    await expect(openCheckpoint(folder, { maxGraphBytes: 50 })).rejects.toThrow('expected at most 50 bytes, got')
    rmSync(graph)
    await expect(openCheckpoint(folder)).rejects.toThrow(`${graph}: expected a readable file, got nothing there`)
  })

  it('holds a graph that is no ONNX file', async () => {
    writeFileSync(join(folder, 'scrap.onnx'), 'not a graph')
    await expect(
      writeManifest(folder, { ...description, graphs: { ...description.graphs, extra: 'scrap.onnx' } }),
    ).rejects.toMatchObject({ code: 'E_FILE', message: expect.stringContaining('scrap.onnx: ONNX file: expected') })
  })

  it.each([
    ['/etc/hostname', 'a file name inside the folder, got /etc/hostname'],
    ['../other.onnx', 'a file name inside the folder, got ../other.onnx'],
    ['a/../../b.onnx', 'a file name inside the folder'],
    ['..\\b.onnx', 'a file name inside the folder'],
    ['C:\\b.onnx', 'a file name inside the folder'],
  ])('names the graph file %j', async (name, message) => {
    change((m) => {
      Object.assign(m.graphs!.decode, { file: name })
      Object.assign(m.sha256!, { [name]: good.sha256['decode.onnx'] })
    })
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: expect.stringContaining(`${file} graphs.decode.file: expected ${message}`),
    })
  })

  it('links a graph to a file outside', async () => {
    rmSync(join(folder, 'decode.onnx'))
    symlinkSync(fixture('decode.onnx'), join(folder, 'decode.onnx'))
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: `${file} graphs.decode.file: expected a file name inside the folder, got decode.onnx, which leads out of it`,
    })
  })

  it.each<[string, (m: LooseManifest) => void, string]>([
    [
      'swapped graphs',
      (m) => Object.assign(m.graphs!, { encode: m.graphs!.decode }),
      "graphs.encode.inputs: expected x, got z (export with input_names=['x'])",
    ],
    [
      'a wrong shape',
      (m) => Object.assign(m.graphs!.decode.outputs, { x: ['N', 3] }),
      'graphs.decode.outputs.x: expected [N, 2] as data.shape says, got [N, 3]',
    ],
    [
      'an output the graph lacks',
      (m) => Object.assign(m.graphs!.decode.outputs, { y: ['N'] }),
      'graphs.decode.outputs: expected x, y, got x',
    ],
  ])('has a manifest with %s', async (_, edit, message) => {
    change(edit)
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'E_MANIFEST', message: `${file} ${message}` })
  })
})

describe('parseManifest', () => {
  it.each<[string, (m: LooseManifest) => void, string]>([
    ['schemaVersion', (m) => Object.assign(m, { schemaVersion: 2 }), 'schemaVersion: expected 1, got 2'],
    ['name', (m) => Object.assign(m, { name: '' }), 'name: expected a non-empty string, got an empty string'],
    [
      'kind',
      (m) => Object.assign(m, { kind: 'gan' }),
      'kind: expected one of flow, diffusion, autoregressive, sequence, classifier, cvpn, got gan',
    ],
    ['graphs', (m) => Object.assign(m, { graphs: [] }), 'graphs: expected an object, got []'],
    ['a role', (m) => Object.assign(m, { graphs: {} }), 'graphs.encode: expected a value, got undefined'],
    [
      'a file',
      (m) => Object.assign(m.graphs!.encode, { file: 3 }),
      'graphs.encode.file: expected a non-empty string, got 3',
    ],
    [
      'a size',
      (m) => Object.assign(m.graphs!.encode.inputs, { x: ['N', -2] }),
      'graphs.encode.inputs.x[1]: expected a positive integer, got -2',
    ],
    ['no hash', (m) => Object.assign(m, { sha256: {} }), 'sha256.encode.onnx: expected a value, got undefined'],
    [
      'a hash',
      (m) => Object.assign(m.sha256!, { 'encode.onnx': 'AB' }),
      'sha256.encode.onnx: expected 64 lower-case hex digits, got AB',
    ],
    ['data.shape', (m) => Object.assign(m.data!, { shape: [0] }), 'data.shape[0]: expected a positive integer, got 0'],
    ['an empty shape', (m) => Object.assign(m.data!, { shape: [] }), 'data.shape: expected at least one size, got []'],
    [
      'data.valueRange',
      (m) => Object.assign(m.data!, { valueRange: [1, 0] }),
      'data.valueRange: expected [smallest, largest], got [1, 0]',
    ],
    [
      'preprocessing',
      (m) => Object.assign(m, { preprocessing: [{}] }),
      'preprocessing[0].name: expected a value, got undefined',
    ],
    ['latentShape', (m) => Object.assign(m, { latentShape: 4 }), 'latentShape: expected a list, got 4'],
    ['training', (m) => Object.assign(m, { training: 'long' }), 'training: expected an object, got long'],
  ])('names the field: %s', (_, edit, message) => {
    const manifest = structuredClone(good) as unknown as LooseManifest
    edit(manifest)
    expect(() => parseManifest(manifest)).toThrow(`manifest.json ${message}`)
  })

  it.each([null, 3, 'text', [], undefined])('refuses %j at the top', (value) => {
    expect(() => parseManifest(value)).toThrow('manifest.json (top): expected an object, got')
  })

  it('does not take inherited names for fields', () => {
    const graphs = JSON.parse('{"__proto__": {"encode": {}, "decode": {}}}') as object
    expect(() => parseManifest({ ...good, graphs })).toThrow('graphs.encode: expected a value, got undefined')
  })
})

describe('parseManifest of a diffusion model', () => {
  const port = (...names: string[]) => Object.fromEntries(names.map((name) => [name, ['N', 4]]))
  const manifest = (inputs: string[], output: string, more: object = {}) => ({
    schemaVersion: 1,
    name: 'score',
    kind: 'diffusion',
    graphs: { score: { file: 'score.onnx', inputs: port(...inputs), outputs: port(output) } },
    data: { dataset: 'none', shape: [4], valueRange: [0, 1] },
    preprocessing: [],
    sha256: { 'score.onnx': '0'.repeat(64) },
    ...more,
  })

  it('takes the usual ports, and others by name', () => {
    const sde = { name: 'vp', betaMin: 0.1 }
    expect(parseManifest(manifest(['x', 't'], 'net', { sde, prediction: 'epsilon', timeScale: 1000 })).sde).toEqual(sde)
    const ports = { x: 'sample', t: 'timestep', net: 'out_sample' }
    expect(parseManifest(manifest(['sample', 'timestep'], 'out_sample', { ports })).ports).toEqual(ports)
  })

  it.each<[string, object, string]>([
    [
      'other ports unnamed',
      manifest(['sample', 'timestep'], 'out_sample'),
      "graphs.score.inputs: expected x and t, got sample, timestep (export with input_names=['x', 't'])",
    ],
    [
      'a port of no role',
      manifest(['x', 't'], 'net', { ports: { y: 'x' } }),
      'ports: expected names for x, t, net, got y',
    ],
    [
      'a port without a name',
      manifest(['x', 't'], 'net', { ports: { x: '' } }),
      'ports.x: expected a non-empty string',
    ],
    ['a process without a name', manifest(['x', 't'], 'net', { sde: {} }), 'sde.name: expected a value'],
    ['a process as text', manifest(['x', 't'], 'net', { sde: 'vp' }), 'sde: expected an object, got vp'],
    ['a prediction', manifest(['x', 't'], 'net', { prediction: 1 }), 'prediction: expected a non-empty string'],
    ['a time scale', manifest(['x', 't'], 'net', { timeScale: '1' }), 'timeScale: expected a number, got 1'],
  ])('names %s', (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(`manifest.json ${message}`)
  })
})

describe('parseManifest of models for likelihood ratios', () => {
  const mixture = { name: 'logistic', components: 5, low: 0, high: 255, channelDependence: 'normalized' }
  const mutation = { rate: 0.2, kind: 'categorical', valueRange: [0, 255] }
  const manifest = (more: object) => ({
    schemaVersion: 1,
    name: 'pixelcnn',
    kind: 'autoregressive',
    graphs: { params: { file: 'params.onnx', inputs: { x: ['N', 1, 4, 4] }, outputs: { logits: ['N', 5, 4, 4] } } },
    data: { dataset: 'none', shape: [1, 4, 4], valueRange: [0, 255] },
    preprocessing: [],
    sha256: { 'params.onnx': '0'.repeat(64) },
    ...more,
  })

  it('takes what they record', () => {
    const background = { mixture, mutation, role: 'background', conditionShape: [10] }
    expect(parseManifest(manifest(background))).toMatchObject(background)
    expect(parseManifest(manifest({ role: 'semantic', mutation: null })).mutation).toBeNull()
    expect(parseManifest(manifest({ sequence: { vocabulary: 4 } })).sequence).toEqual({ vocabulary: 4 })
    expect(parseManifest(manifest({ mixture: { ...mixture, low: -3, high: -2 } })).mixture?.low).toBe(-3)
  })

  it.each<[string, object, string]>([
    ['mixture', { mixture: 'logistic' }, 'mixture: expected an object, got logistic'],
    ['its name', { mixture: { ...mixture, name: 'normal' } }, 'mixture.name: expected one of logistic, got normal'],
    [
      'components',
      { mixture: { ...mixture, components: 0 } },
      'mixture.components: expected a positive integer, got 0',
    ],
    ['low', { mixture: { ...mixture, low: 0.5 } }, 'mixture.low: expected an integer, got 0.5'],
    ['high', { mixture: { ...mixture, low: 7, high: 7 } }, 'mixture.high: expected an integer above 7, got 7'],
    [
      'channelDependence',
      { mixture: { ...mixture, channelDependence: undefined } },
      'mixture.channelDependence: expected a value, got undefined',
    ],
    ['conditionShape', { conditionShape: [0] }, 'conditionShape[0]: expected a positive integer, got 0'],
    ['vocabulary', { sequence: { vocabulary: 2.5 } }, 'sequence.vocabulary: expected a positive integer, got 2.5'],
    ['role', { role: 'foreground' }, 'role: expected one of semantic, background, features, got foreground'],
    ['mutation', { mutation: 0.2 }, 'mutation: expected an object, got 0.2'],
    ['rate', { mutation: { ...mutation, rate: 0 } }, 'mutation.rate: expected a number in (0, 1], got 0'],
    [
      'its kind',
      { mutation: { ...mutation, kind: 'swap' } },
      'mutation.kind: expected one of categorical, uniform, got swap',
    ],
    [
      'its range',
      { mutation: { ...mutation, valueRange: [255] } },
      'mutation.valueRange: expected [smallest, largest], got [255]',
    ],
  ])('names the field: %s', (_, more, message) => {
    expect(() => parseManifest(manifest(more))).toThrow(`manifest.json ${message}`)
  })
})
