// Opened networks: golden values of PyTorch, an exact Gaussian end to end, workers, and every kind of diffusers export.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, tensor } from '@ood/core'
import {
  type Diffusion,
  ddpm,
  gaussianScore,
  type NetworkDescription,
  odeLogProb,
  openDiffusion,
} from '@ood/models-diffusion'
import { openCheckpoint } from '@ood/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

type Nested = number | Nested[]
interface Golden {
  x: Nested
  t: Nested
  net: Nested
  v: Nested
  tangent: Nested
  condition?: Nested
}
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const goldenOf = (name: string): Golden =>
  JSON.parse(readFileSync(join(fixture(name), 'golden.json'), 'utf8')) as Golden
const flat = (value: Nested): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value])
const shapeOf = (value: Nested): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? 0)] : [])
const batch = (value: Nested) => tensor(Float32Array.from(flat(value)), shapeOf(value))

/** Largest error relative to the largest number. */
function error(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length)
  let [gap, most] = [0, 0]
  for (let i = 0; i < want.length; i++) {
    gap = Math.max(gap, Math.abs(got[i]! - want[i]!))
    most = Math.max(most, Math.abs(want[i]!))
  }
  return gap / most
}
/** Float32 graphs of some twenty layers against float64. */
const FLOAT32 = 2e-5

describe.each(['score-vp', 'gaussian-vp'])('%s against PyTorch', (name) => {
  const golden = goldenOf(name)
  const times = flat(golden.t)
  let model: Diffusion
  beforeAll(async () => {
    model = await openDiffusion(fixture(name), { workers: 0 })
  })
  afterAll(() => model.release())

  it('scaled score, score and derivatives', async () => {
    const x = batch(golden.x)
    const net = flat(golden.net)
    const d = net.length / times.length
    const sigma = (i: number) => model.sde.standardDeviation(times[Math.floor(i / d) % times.length]!)
    expect(error((await model.scaledScore(x, times)).data, net)).toBeLessThan(FLOAT32)
    const score = net.map((value, i) => value / sigma(i))
    expect(error(flatData(await model.score(x, times)), score)).toBeLessThan(FLOAT32)
    const { value, tangent } = await model.jvp(x, times, batch(golden.v))
    expect(error(flatData(value), score)).toBeLessThan(FLOAT32)
    expect(tangent.shape).toEqual(shapeOf(golden.tangent))
    const want = flat(golden.tangent).map((derivative, i) => derivative / sigma(i))
    expect(error(flatData(tangent), want)).toBeLessThan(FLOAT32)
  })

  it('divergence is the trace of the Jacobian, exact and estimated', async () => {
    const x = batch(golden.x)
    const d = x.shape.slice(1).reduce((a, b) => a * b, 1)
    const units = new Float32Array(d * x.data.length)
    for (let k = 0; k < d; k++) for (let row = 0; row < 3; row++) units[(k * 3 + row) * d + k] = 1
    const { tangent } = await model.jvp(x, times, tensor(units, [d, ...x.shape]))
    const trace = [0, 1, 2].map((row) => {
      let sum = 0
      for (let k = 0; k < d; k++) sum += tangent.data[(k * 3 + row) * d + k]!
      return sum
    })
    const exact = await model.divergence(x, times, { method: 'exact' })
    expect(error(exact.divergence, trace)).toBeLessThan(FLOAT32)
    expect([...exact.standardError!]).toEqual([0, 0, 0])
    expect(error(flatData(exact.score), flatData(await model.score(x, times)))).toBeLessThan(FLOAT32)
    const some = await model.divergence(x, times, { method: 'gaussian', probes: 200, seed: 3 })
    some.divergence.forEach((value, row) => {
      expect(Math.abs(value - trace[row]!)).toBeLessThan(
        5 * some.standardError![row]! + FLOAT32 * Math.abs(trace[row]!),
      )
    })
  })
})

describe('an exact Gaussian network', () => {
  const mean = [0.2, -0.4, 0, 0.6]
  const variance = [0.1, 0.04, 0.5, 0.01]
  const analytic = gaussianScore(mean, variance, undefined, { dataShape: [1, 2, 2] })
  let model: Diffusion
  beforeAll(async () => {
    model = await openDiffusion(fixture('gaussian-vp'), { workers: 0 })
  })
  afterAll(() => model.release())
  const v = tensor(Float64Array.of(0.3, -0.2, 0.5, 0.65, 0.1, -0.5, -1, 0.5), [2, 1, 2, 2])

  it('has its exact likelihood, in both spaces', async () => {
    const options = { t: 0.01, moments: { mean, variance } }
    const { instance } = await model.logProb(v, { ...options, input: 'model' })
    const exact = (await odeLogProb(analytic, v, { ...options, tolerance: 1e-7 })).instance
    // The integrator's 1e-2 nats; float32 in the network adds 1e-4.
    for (let row = 0; row < 2; row++) expect(Math.abs(instance[row]! - exact[row]!)).toBeLessThan(1e-2)
    const bytes = tensor(Float32Array.of(10, 100, 200, 250), [1, 1, 2, 2])
    const pixel = await model.logProb(bytes, options)
    const inModel = await model.logProb(bytes, { ...options, space: 'model' })
    // v = 2 x / 255 - 1: four dimensions of log 2 / 255.
    expect(pixel.instance[0]! - inModel.instance[0]!).toBeCloseTo(4 * Math.log(2 / 255), 9)
    const bits = await model.bitsPerDim(bytes, options)
    expect(bits[0]).toBeCloseTo(-pixel.instance[0]! / (4 * Math.LN2), 12)
  })

  it('gives samples with its mean, as bytes or in its own space', async () => {
    const rows = await model.sample(300, { seed: 4, steps: 12, space: 'model' })
    mean.forEach((value, i) => {
      let sum = 0
      for (let row = 0; row < 300; row++) sum += rows.data[4 * row + i]!
      // Four standard errors of a mean, and what 12 steps leave.
      expect(Math.abs(sum / 300 - value)).toBeLessThan((4 * Math.sqrt(variance[i]!)) / Math.sqrt(300) + 0.02)
    })
    const bytes = await model.sample(3, { seed: 4, steps: 12 })
    expect(bytes.shape).toEqual([3, 1, 2, 2])
    for (const value of bytes.data) expect(Number.isInteger(value) && value >= 0 && value <= 255).toBe(true)
    const back = model.postprocess(await model.preprocess(bytes))
    expect([...flatData(back)]).toEqual([...flatData(bytes)])
  })

  it('encodes and restores', async () => {
    const z = await model.encode(v, { tolerance: 1e-4 })
    const back = await model.denoise(z, { method: 'rk45', clean: false, tolerance: 1e-4 })
    back.data.forEach((value, i) => {
      expect(Math.abs(value - v.data[i]!)).toBeLessThan(1e-2)
    })
  })
})

describe('workers', () => {
  it('change neither results nor their order, and stop at once', async () => {
    const inProcess = await openDiffusion(fixture('score-vp'), { workers: 0 })
    const pooled = await openDiffusion(await openCheckpoint(fixture('score-vp')), { workers: 2, batchSize: 1 })
    try {
      const x = batch(goldenOf('score-vp').x)
      const options = { method: 'rademacher', probes: 3, seed: 5 } as const
      const a = await inProcess.divergence(x, 0.2, options)
      const b = await pooled.divergence(x, 0.2, options)
      expect([...b.divergence]).toEqual([...a.divergence])
      expect([...flatData(b.score)]).toEqual([...flatData(a.score)])
      expect([...(await pooled.scaledScore(x, 0.2)).data]).toEqual([...(await inProcess.scaledScore(x, 0.2)).data])
      const controller = new AbortController()
      const running = pooled.divergence(x, 0.2, { method: 'exact', signal: controller.signal })
      controller.abort()
      await expect(running).rejects.toMatchObject({ code: 'E_ABORTED' })
      await expect(inProcess.score(x, 0.2, { signal: controller.signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
      expect((await pooled.score(x, 0.2)).shape).toEqual(x.shape)
    } finally {
      await inProcess.release()
      await pooled.release()
    }
  }, 180_000)
})

describe('diffusers exports', () => {
  const sde = ddpm({ steps: 100 })
  const open = (name: string, more: Partial<NetworkDescription>, options = {}) =>
    openDiffusion(
      { onnx: join(fixture(name), 'unet.onnx'), sde, prediction: 'epsilon', dataShape: [2, 4, 4], ...more },
      { workers: 0, ...options },
    )
  /** Time at which a step of the schedule is asked. */
  const at = (step: number) => (step + 1) / 100

  it('epsilon with one int64 timestep: rows of several times in one call', async () => {
    const golden = goldenOf('ddpm-epsilon')
    const model = await open('ddpm-epsilon', {})
    try {
      const x = batch(golden.x)
      const step = flat(golden.t)[0]!
      const { data } = await model.scaledScore(x, at(step))
      expect(
        error(
          data,
          flat(golden.net).map((value) => -value),
        ),
      ).toBeLessThan(FLOAT32)
      const { tangent } = await model.jvp(x, at(step), batch(golden.v))
      const sigma = sde.standardDeviation(at(step))
      expect(
        error(
          flatData(tangent),
          flat(golden.tangent).map((value) => -value / sigma),
        ),
      ).toBeLessThan(FLOAT32)
      const mixed = (await model.scaledScore(x, [at(step), at(50), at(step)])).data
      expect([...mixed.subarray(0, 32)]).toEqual([...data.subarray(0, 32)])
      expect([...mixed.subarray(64)]).toEqual([...data.subarray(64)])
      const other = (await model.scaledScore(x, at(50))).data
      expect([...mixed.subarray(32, 64)]).toEqual([...other.subarray(32, 64)])
      // Between whole steps: linear, so continuous.
      const next = (await model.scaledScore(x, at(step + 1))).data
      const between = (await model.scaledScore(x, at(step + 0.25))).data
      const want = data.map((value, i) => 0.75 * value + 0.25 * next[i]!)
      expect(error(between, want)).toBeLessThan(1e-6)
    } finally {
      await model.release()
    }
  })

  it('v_prediction with a timestep for each row and a text condition', async () => {
    const golden = goldenOf('ddpm-text')
    const conditions = { encoder_hidden_states: batch(golden.condition!) }
    const model = await open('ddpm-text', { prediction: 'v_prediction' }, { conditions })
    try {
      const times = flat(golden.t).map(at)
      const [x, v, net, tangents] = [flat(golden.x), flat(golden.v), flat(golden.net), flat(golden.tangent)]
      const mu = (i: number) => sde.mean(times[Math.floor(i / 32) % 3]!)
      const sigma = (i: number) => sde.standardDeviation(times[Math.floor(i / 32) % 3]!)
      // eps = mu v + sigma x for mu² + sigma² = 1.
      const eps = net.map((value, i) => mu(i) * value + sigma(i) * x[i]!)
      expect(
        error(
          (await model.scaledScore(batch(golden.x), times)).data,
          eps.map((value) => -value),
        ),
      ).toBeLessThan(FLOAT32)
      const got = await model.jvp(batch(golden.x), times, batch(golden.v))
      const want = tangents.map((value, i) => -(mu(i) * value + sigma(i) * v[i]!) / sigma(i))
      expect(error(flatData(got.tangent), want)).toBeLessThan(FLOAT32)
    } finally {
      await model.release()
    }
    await expect(open('ddpm-text', {})).rejects.toThrow('conditions.encoder_hidden_states: expected a tensor [1, ...]')
    await expect(open('ddpm-epsilon', {}, { conditions })).rejects.toThrow(
      'conditions: expected none, got encoder_hidden_states',
    )
  })

  it('sample prediction with a float timestep in a list: likelihood and samplers run on it', async () => {
    const golden = goldenOf('ddpm-sample')
    const model = await open('ddpm-sample', { prediction: 'sample' })
    try {
      const step = flat(golden.t)[0]!
      const [mu, sigma] = [sde.mean(at(step)), sde.standardDeviation(at(step))]
      const x = flat(golden.x)
      const eps = flat(golden.net).map((clean, i) => (x[i]! - mu * clean) / sigma)
      expect(
        error(
          (await model.scaledScore(batch(golden.x), at(step))).data,
          eps.map((value) => -value),
        ),
      ).toBeLessThan(FLOAT32)
      const { divergence } = await model.divergence(batch(golden.x), at(step), { method: 'exact' })
      for (const value of divergence) expect(Number.isFinite(value)).toBe(true)
      const rows = await model.sample(2, { method: 'plms', steps: 10, seed: 1 })
      expect(rows.shape).toEqual([2, 2, 4, 4])
      const { instance } = await model.logProb(rows, { t: 0.3, integrator: 'heun', steps: 6 })
      for (const value of instance) expect(Number.isFinite(value)).toBe(true)
    } finally {
      await model.release()
    }
  })

  it('a checkpoint folder may name its ports and schedule', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ood-diffusers-'))
    try {
      copyFileSync(join(fixture('ddpm-epsilon'), 'unet.onnx'), join(folder, 'unet.onnx'))
      const { writeManifest } = await import('@ood/runtime')
      await writeManifest(folder, {
        name: 'tiny-ddpm',
        kind: 'diffusion',
        graphs: { score: 'unet.onnx' },
        ports: { x: 'sample', t: 'timestep', net: 'out_sample' },
        data: { dataset: 'none', shape: [2, 4, 4], valueRange: [0, 255] },
        preprocessing: [{ name: 'unit' }, { name: 'zero-center' }],
        sde: { name: 'ddpm', schedule: 'linear', steps: 100 },
        prediction: 'epsilon',
      })
      const model = await openDiffusion(folder, { workers: 0 })
      const golden = goldenOf('ddpm-epsilon')
      const { data } = await model.scaledScore(batch(golden.x), at(flat(golden.t)[0]!))
      expect(
        error(
          data,
          flat(golden.net).map((value) => -value),
        ),
      ).toBeLessThan(FLOAT32)
      await model.release()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('openDiffusion says what is wrong', () => {
  const source = fixture('score-vp')
  const changed = async (change: object, body: (folder: string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), 'ood-diffusion-'))
    try {
      copyFileSync(join(source, 'score.onnx'), join(folder, 'score.onnx'))
      const manifest = JSON.parse(readFileSync(join(source, 'manifest.json'), 'utf8')) as object
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...change }))
      await body(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it.each<[string, object, string]>([
    ['no process', { sde: undefined }, 'sde: expected the process'],
    ['another process', { sde: { name: 'brownian' } }, 'sde.name: expected one of vp'],
    ['another prediction', { prediction: 'noise' }, 'prediction: expected one of scaled-score'],
    ['ports that are not there', { ports: { x: 'sample' } }, 'sample'],
    ['ports of no role', { ports: { y: 'x' } }, 'names for x, t, net'],
    [
      'data of another size',
      { data: { dataset: 'none', shape: [1, 7, 7], valueRange: [0, 255] } },
      'expected [N, 1, 7, 7] as data.shape says, got [N, ',
    ],
    ['preprocessing', { preprocessing: [{ name: 'whiten' }] }, 'whiten'],
    ['a time scale', { timeScale: 'x' }, 'timeScale: expected a number'],
  ])('%s', async (_, change, message) => {
    await changed(change, async (folder) => {
      await expect(openDiffusion(folder)).rejects.toThrow(message)
    })
  })

  it('missing folders, files and options', async () => {
    await expect(openDiffusion('absent')).rejects.toThrow('absent: expected a diffusion folder')
    const description = { onnx: 'absent.onnx', sde: { name: 'vp' }, prediction: 'epsilon' } as const
    await expect(openDiffusion(description)).rejects.toThrow('absent.onnx: expected a readable file, got nothing there')
    await expect(openDiffusion(source, { workers: -1 })).rejects.toThrow('workers')
    await expect(openDiffusion(source, { batchSize: 0 })).rejects.toThrow('batchSize')
    await expect(openDiffusion(source, { device: 'abacus' as 'cpu' })).rejects.toThrow('device')
  })

  it('rows and times', async () => {
    const model = await openDiffusion(source, { workers: 0 })
    const x = tensor(new Float32Array(64), [1, 1, 8, 8])
    await expect(model.score(x, 0)).rejects.toThrow('times with sigma > 0, got 0')
    await expect(model.score(x, [0.1, 0.2])).rejects.toThrow('1 times, one a row, got 2')
    await expect(model.score(tensor(new Float32Array(49), [1, 1, 7, 7]), 0.1)).rejects.toThrow('shape [N, 1, 8, 8]')
    await expect(model.score(tensor(new Float32Array(64).fill(Number.NaN), [1, 1, 8, 8]), 0.1)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
    })
    await expect(model.jvp(x, 0.1, x)).rejects.toThrow('jvp tangents')
    await expect(model.logProb(x, { input: 'x' as 'model' })).rejects.toThrow('pixel or model')
    await expect(model.logProb(x, { space: 'x' as 'model' })).rejects.toThrow('pixel or model')
    await expect(model.logProb(x, { input: 'model', space: 'pixel' })).rejects.toThrow('already preprocessed')
    await expect(model.logProb(x, { rows: [1, 2] })).rejects.toThrow('1 keys')
    await expect(model.sample(1, { space: 'x' as 'model' })).rejects.toThrow('pixel or model')
    expect((await model.jvp(x, 0.1, tensor(new Float32Array(0), [0, 1, 1, 8, 8]))).tangent.shape).toEqual([
      0, 1, 1, 8, 8,
    ])
    await model.release()
    await model.release()
  })
})
