// What a manifest says of its data against ports, preprocessing and process: every mistake that would give wrong numbers.
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../src/index.ts'

type Sizes = (number | string)[]

/** A flow of images [C, H, W] whose graph takes `x`. */
function flow(shape: number[], x: Sizes, changed: object = {}): unknown {
  const d = shape.reduce((product, n) => product * n, 1)
  return {
    schemaVersion: 1,
    name: 'flow',
    kind: 'flow',
    graphs: {
      encode: { file: 'a.onnx', inputs: { x }, outputs: { z: ['N', d], logdet: ['N'] } },
      decode: { file: 'b.onnx', inputs: { z: ['N', d] }, outputs: { x } },
    },
    data: { dataset: 'none', shape, valueRange: [0, 255] },
    preprocessing: [{ name: 'dequantize', levels: 256 }],
    sha256: { 'a.onnx': '0'.repeat(64), 'b.onnx': '0'.repeat(64) },
    ...changed,
  }
}

function diffusion(changed: object = {}, x: Sizes = ['N', 3, 8, 6]): unknown {
  return {
    schemaVersion: 1,
    name: 'diffusion',
    kind: 'diffusion',
    graphs: { score: { file: 'a.onnx', inputs: { x, t: ['N'] }, outputs: { net: x } } },
    data: { dataset: 'none', shape: [3, 8, 6], valueRange: [0, 255] },
    preprocessing: [{ name: 'unit' }, { name: 'zero-center' }],
    sde: { name: 'vp' },
    sha256: { 'a.onnx': '0'.repeat(64) },
    ...changed,
  }
}

const refused = (manifest: unknown, message: string) =>
  expect(() => parseManifest(manifest, 'm.json')).toThrowError(
    expect.objectContaining({ code: 'E_MANIFEST', message: expect.stringContaining(message) }),
  )

describe('axes of the data', () => {
  it.each<[number[], Sizes]>([
    [
      [1, 28, 28],
      ['N', 1, 28, 28],
    ],
    [
      [3, 8, 6],
      ['batch', 3, 8, 6],
    ],
    [
      [3, 8, 6],
      ['N', 3, 'H', 'W'],
    ],
    [
      [3, 8, 6],
      ['N', 144],
    ],
    [[10], ['N', 10]],
  ])('%j for %j pass', (shape, x) => {
    expect(parseManifest(flow(shape, x))).toMatchObject({ kind: 'flow' })
  })

  it('passes flat rows where preprocessing flattens', () => {
    const steps = { preprocessing: [{ name: 'dequantize' }, { name: 'flatten', shape: [3, 8, 6] }] }
    expect(parseManifest(flow([3, 8, 6], ['N', 144], steps))).toMatchObject({ kind: 'flow' })
    refused(flow([3, 8, 6], ['N', 3, 8, 6], steps), 'expected [N, 144] as data.shape says, got [N, 3, 8, 6]')
  })

  it.each<[string, number[], Sizes]>([
    ['[N, 8, 6, 3] (channels last? export it with channels first, NCHW)', [3, 8, 6], ['N', 8, 6, 3]],
    ['[N, 28, 28, 1] (channels last? export it with channels first, NCHW)', [1, 28, 28], ['N', 28, 28, 1]],
    ['[N, 3, 6, 8]', [3, 8, 6], ['N', 3, 6, 8]],
    ['[N, 6, 3, 8]', [3, 8, 6], ['N', 6, 3, 8]],
    ['[N, 28, 28]', [1, 28, 28], ['N', 28, 28]],
    ['[N, 9, 16]', [3, 8, 6], ['N', 9, 16]],
    ['[N, 143]', [3, 8, 6], ['N', 143]],
  ])('%s is refused', (got, shape, x) => {
    refused(
      flow(shape, x),
      `m.json graphs.encode.inputs.x: expected [N, ${shape.join(', ')}] as data.shape says, got ${got}`,
    )
  })

  it('of the other ports', () => {
    const manifest = flow([3, 8, 6], ['N', 3, 8, 6]) as { graphs: { decode: { outputs: object } } }
    manifest.graphs.decode.outputs = { x: ['N', 8, 6, 3] }
    refused(manifest, 'graphs.decode.outputs.x: expected [N, 3, 8, 6] as data.shape says')
    refused(diffusion({}, ['N', 8, 6, 3]), 'graphs.score.inputs.x: expected [N, 3, 8, 6] as data.shape says')
    const ports = {
      ports: { x: 'sample' },
      graphs: {
        score: { file: 'a.onnx', inputs: { sample: ['N', 8, 6, 3], t: ['N'] }, outputs: { net: ['N', 3, 8, 6] } },
      },
    }
    refused(diffusion(ports), 'graphs.score.inputs.sample: expected [N, 3, 8, 6]')
  })
})

describe('the batch axis', () => {
  it('must be free, and the message says how', () => {
    refused(
      flow([1, 2, 2], [1, 1, 2, 2]),
      "graphs.encode.inputs.x: expected a free batch axis, got 1 rows (export a free one: dynamic_axes={'x': {0: 'N'}}",
    )
    refused(diffusion({}, [16, 3, 8, 6]), 'graphs.score.inputs.x: expected a free batch axis, got 16 rows')
    const manifest = flow([1, 2, 2], ['N', 1, 2, 2]) as { graphs: { decode: { inputs: object } } }
    manifest.graphs.decode.inputs = { z: [1, 4] }
    refused(
      manifest,
      "graphs.decode.inputs.z: expected a free batch axis, got 1 rows (export a free one: dynamic_axes={'z'",
    )
  })
})

describe('names of ports', () => {
  it('missing ones are named with the way to set them', () => {
    const manifest = flow([1, 2, 2], ['N', 1, 2, 2]) as { graphs: { encode: { outputs: object } } }
    manifest.graphs.encode.outputs = { z: ['N', 4], '137': ['N'] }
    refused(
      manifest,
      "m.json graphs.encode.outputs: expected z and logdet, got 137, z (export with output_names=['z', 'logdet'])",
    )
    manifest.graphs.encode.outputs = { z: ['N', 4] }
    refused(manifest, "expected z and logdet, got z (export with output_names=['z', 'logdet'])")
  })
})

describe('units', () => {
  const data = (valueRange: number[]) => ({ data: { dataset: 'none', shape: [1, 2, 2], valueRange } })
  const steps = (...preprocessing: object[]) => ({ preprocessing })
  const of = (valueRange: number[], ...list: object[]) =>
    flow([1, 2, 2], ['N', 1, 2, 2], { ...data(valueRange), ...steps(...list) })

  it.each<[number[], object[]]>([
    [[0, 1], [{ name: 'dequantize', levels: 256 }]],
    [
      [0, 1],
      [{ name: 'dequantize' }, { name: 'logit' }],
    ],
    [[0, 1], [{ name: 'unit', levels: 256 }]],
    [[-1, 1], [{ name: 'uniform-noise', levels: 256 }]],
    [[0, 255], [{ name: 'dequantize', levels: 32 }]],
    [[0, 255], [{ name: 'zero-center' }]],
    [[0, 255], [{ name: 'dequantize', input: 'unit' }]],
    [
      [-1, 1],
      [{ name: 'identity' }, { name: 'logit' }],
    ],
  ])('value range %j before %j is refused', (range, list) => {
    refused(of(range, ...list), 'm.json data.valueRange: expected ')
  })

  it('says how images in [0, 1] are dequantised', () => {
    refused(of([0, 1], { name: 'dequantize' }), "got [0, 1]; for images in [0, 1] give input: 'unit'")
  })

  it.each<[number[], object[]]>([
    [[0, 255], [{ name: 'dequantize', levels: 256 }]],
    [[0, 200], [{ name: 'unit' }]],
    [[0, 1], [{ name: 'dequantize', levels: 2 }]],
    [[0, 1], [{ name: 'dequantize', input: 'unit' }]],
    [[0, 1], [{ name: 'zero-center' }]],
    [[-3, 2], []],
    [[-3, 2], [{ name: 'standardize', mean: 0, std: 1 }]],
  ])('value range %j before %j passes', (range, list) => {
    expect(parseManifest(of(range, ...list))).toMatchObject({ kind: 'flow' })
  })
})

describe('a time scale', () => {
  it('beside a discrete process would be ignored, so it is refused', () => {
    refused(diffusion({ sde: { name: 'ddpm' }, timeScale: 1000 }), 'm.json timeScale: expected none beside sde ddpm')
    expect(parseManifest(diffusion({ sde: { name: 'vp' }, timeScale: 1000 }))).toMatchObject({ timeScale: 1000 })
    expect(parseManifest(diffusion({ sde: { name: 'ddpm' } }))).toMatchObject({ kind: 'diffusion' })
  })
})
