// Latents as images: against the golden RealNVP of constant couplings, against the flows' own graphs, and as a permutation.
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, normals, random, tensor } from '@ood/core'
import { type FlowLayer, latentImages, latentLayout, meanLatents, openFlow } from '@ood/models-flow'
import { openCheckpoint } from '@ood/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'

type Nested = number | Nested[]
const flat = (value: Nested): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value])
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

describe('a RealNVP of constant couplings (golden)', () => {
  const golden = vector<{
    x_uint8: Nested
    u: Nested
    'coupling_sequence_[mask,reverse,input_shape]': [string, boolean, number[]][]
    constants: { s_raw: Nested; t: Nested }[]
    expected_latent: Nested
  }>('llr-flows-ncis/flow_realnvp_multiscale_skeleton')
  const sequence = golden['coupling_sequence_[mask,reverse,input_shape]']
  /** Two scales: three couplings, squeeze, three more, channels 2 and 3 of 4 leave, four more. */
  const layers: FlowLayer[] = [
    { type: 'squeeze', factor: 2 },
    { type: 'leave', from: 2, to: 4 },
  ]

  it('stands in image layout where its couplings, each moved into image layout, put it', () => {
    // The couplings' constants are a permutation of image positions like the latents: s and t of a position add up along
    // its way, so the row can be coupled in image layout all the way, and must end at the re-arranged latent.
    const x = flat(golden.x_uint8)
    const u = flat(golden.u)
    let row = x.map((value, i) => {
      const p = (1 + 0.9 * (2 * ((value + u[i]!) / 256) - 1)) / 2
      return Math.log(p) - Math.log1p(-p)
    })
    for (const [k, [mask, reverse, [, channels, height, width]]] of sequence.entries()) {
      const { s_raw, t } = golden.constants[k]!
      const own = [flat(s_raw), flat(t)]
      const [c, h, w] = [channels!, height!, width!]
      const moved: number[] = []
      for (let channel = 0; channel < c; channel++)
        for (let y = 0; y < h; y++)
          for (let z = 0; z < w; z++) {
            const changes = mask === 'checkerboard' ? ((y + z) % 2 === 0) !== reverse : channel < c / 2 !== reverse
            moved.push(changes ? 1 : 0)
          }
      // The image position of every number of the tensor, by the rule of the squeeze: channel 4c + 2dy + dx.
      const place = (i: number): number => {
        if (h === 4) return i
        const [channel, y, z] = [Math.floor(i / 4), Math.floor(i / 2) % 2, i % 2]
        return (2 * y + Math.floor(channel / 2)) * 4 + 2 * z + (channel % 2)
      }
      const half = own[0]!.length < moved.length
      let at = 0
      const next = [...row]
      for (let i = 0; i < moved.length; i++) {
        if (moved[i] === 0 && half) continue
        const index = half ? at++ : i
        if (moved[i] === 0) continue
        const s = Math.tanh(own[0]![index]!)
        next[place(i)] = (row[place(i)]! + own[1]![index]!) * Math.exp(s)
      }
      row = next
    }
    const z = tensor(Float64Array.from(flat(golden.expected_latent)), [1, 16])
    const { image, scales, scaleOf } = latentImages(z, { shape: [1, 4, 4], layers })
    const got = flatData(image)
    // float32 storage of numbers of order 1 to 10.
    for (let i = 0; i < 16; i++) expect(Math.abs(got[i]! - row[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(row[i]!)))
    expect(scales.map(({ latents, from, to }) => [latents.shape, from, to])).toEqual([
      [[1, 2, 2, 2], 0, 8],
      [[1, 2, 2, 2], 8, 16],
    ])
    // Rows 1 and 3 of every 2 x 2 cell left first.
    expect([...scaleOf]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0])
  })
})

describe('latentImages', () => {
  it('is a permutation, and its scales are the parts of it', () => {
    const layerings = fc.constantFrom<FlowLayer[]>(
      [],
      [{ type: 'squeeze', factor: 2 }],
      [
        { type: 'squeeze', factor: 2 },
        { type: 'leave', from: 0, to: 2 },
        { type: 'squeeze', factor: 2 },
        { type: 'leave', from: 3, to: 8 },
      ],
      [
        { type: 'squeeze', factor: 4 },
        { type: 'leave', from: 5, to: 9 },
      ],
    )
    fc.assert(
      fc.property(layerings, fc.integer({ min: 0, max: 3 }), (layers, n) => {
        const z = tensor(
          Float64Array.from({ length: n * 64 }, (_, i) => i + 1),
          [n, 64],
        )
        const { image, scales, scaleOf } = latentImages(z, { shape: [1, 8, 8], layers })
        expect([...flatData(image)].sort((a, b) => a - b)).toEqual([...flatData(z)])
        const sum = new Float32Array(n * 64)
        for (const [k, scale] of scales.entries()) {
          const values = flatData(scale.image)
          values.forEach((value, i) => {
            if (value !== 0) expect(scaleOf[i % 64]).toBe(k)
            sum[i] = sum[i]! + value
          })
          for (let row = 0; row < n; row++)
            expect([
              ...flatData(scale.latents).subarray(row * (scale.to - scale.from), (row + 1) * (scale.to - scale.from)),
            ]).toEqual([...flatData(z).subarray(row * 64 + scale.from, row * 64 + scale.to)])
        }
        expect(sum).toEqual(flatData(image))
      }),
    )
  })

  it('says what does not fit', async () => {
    const z = tensor(new Float32Array(16), [1, 16])
    expect(() => latentImages(z, { shape: [1, 3, 3], layers: [] })).toThrow('latentImages: expected shape [N, 9]')
    const odd: FlowLayer[] = [{ type: 'squeeze', factor: 3 }]
    expect(() => latentImages(z, { shape: [1, 4, 4], layers: odd })).toThrow(
      'squeeze: expected an image whose sides 3 divides',
    )
    const many: FlowLayer[] = [{ type: 'leave', from: 0, to: 2 }]
    expect(() => latentImages(z, { shape: [1, 4, 4], layers: many })).toThrow(
      'factor-out: expected channels within 0..1',
    )
    const { manifest } = await openCheckpoint(fixture('tiny-affine'))
    expect(() => latentLayout({ ...manifest, model: {} })).toThrow('tiny-affine model: expected layers or levels')
    expect(() => latentLayout({ ...manifest, model: { layers: [{ type: 'flip', shape: [1, 8, 8] }] } })).toThrow(
      'model.layers[0].type: expected coupling, squeeze, split or linear, got flip',
    )
    expect(() =>
      latentLayout({ ...manifest, model: { layers: [{ type: 'split', shape: [4, 4, 4], keep: 4 }] } }),
    ).toThrow('model.layers[0].keep: expected a number of channels below 4, got 4')
    expect(() => latentLayout({ ...manifest, model: { levels: [{ squeeze: 2, steps: 0 }] } })).toThrow(
      'model.levels[0].steps',
    )
    expect(latentLayout({ ...manifest, model: {}, data: { ...manifest.data, shape: [16] } })).toEqual({
      shape: [16],
      layers: [],
    })
  })
})

describe.each(['tiny-affine', 'tiny-rqs', 'tiny-realnvp', 'tiny-glow', 'tiny-cycle'])('layout of %s', (name) => {
  it('pairs every number of z with one position of the image, in its scale', async () => {
    const flow = await openFlow(fixture(name), { workers: 0 })
    try {
      const layout = latentLayout(flow.manifest)
      const { scaleOf, scales } = latentImages(tensor(new Float32Array(64), [1, 64]), layout)
      expect(scales.at(-1)!.to).toBe(64)
      const seen = new Set<number>()
      for (let i = 0; i < 64; i++) {
        const unit = new Float32Array(64)
        unit[i] = 1
        const { image } = latentImages(tensor(unit, [1, 64]), layout)
        const at = flatData(image).indexOf(1)
        expect(scaleOf[at]).toBe(scales.findIndex(({ from, to }) => i >= from && i < to))
        seen.add(at)
      }
      expect(seen.size).toBe(64)
    } finally {
      await flow.release()
    }
  })
})

describe('meanLatents', () => {
  it('averages encodings over draws of noise, the first with the seed itself', async () => {
    const flow = await openFlow(fixture('tiny-realnvp'), { workers: 0 })
    const x: NdArray = tensor(
      Float32Array.from(normals(random(1), 2 * 64), (value) =>
        Math.min(255, Math.max(0, Math.round(128 + 50 * value))),
      ),
      [2, 1, 8, 8],
    )
    const one = await meanLatents(flow, x, { draws: 1, seed: 5 })
    expect(flatData(one)).toEqual(flatData(await flow.encode(x, { seed: 5 })))
    const calls: unknown[] = []
    const counted = {
      encode(rows: NdArray, options?: object) {
        calls.push(options)
        return flow.encode(rows, options)
      },
    }
    const three = flatData(await meanLatents(counted, x, { draws: 3, seed: 5 }))
    const own = await Promise.all(calls.map(async (options) => flatData(await flow.encode(x, options as object))))
    three.forEach((value, i) => {
      expect(value).toBe(Math.fround(own.reduce((sum, z) => sum + z[i]!, 0) / 3))
    })
    await expect(meanLatents(flow, x, { draws: 0 })).rejects.toThrow('draws: expected a positive integer')
    await flow.release()
  })
})
