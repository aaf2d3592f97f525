// Bits per image: golden sizes and orderings, the minimum over codecs, codecs that fail, bad input, progress and abort.
import { random, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../../tools/vectors.ts'
import { type ByteImage, type Codec, complexity, jpegCodec, pngCodec } from '../../src/index.ts'
import { batch, kinds, picture } from './pictures.ts'

interface Golden {
  images: Record<
    string,
    { pixels: number[][]; png_bits_opencv5: number; jpeg_q95_bits_opencv5: number; ensemble_bits: number }
  >
}

/** A codec of made-up sizes: `bytes(image)`, or a failure where that is negative. */
const madeUp = (name: string, bytes: (image: ByteImage) => number): Codec => ({
  name,
  lossless: true,
  encode(image) {
    const size = bytes(image)
    if (size < 0) throw new Error(`no room for ${size}`)
    return new Uint8Array(size)
  },
  payload: (file) => file.length - 1,
})

const first = (image: ByteImage): number => image.data[0]!
const pixels = (...values: number[]) =>
  batch(values.map((value) => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(value) })))

describe('golden images', () => {
  const { images } = vector<Golden>('dgm/complexity')
  const cases = Object.values(images)
  const x = () =>
    batch(cases.map(({ pixels: rows }) => ({ width: 28, height: 28, channels: 1, data: Uint8Array.from(rows.flat()) })))

  it('PNG is no larger than that of OpenCV at level 9, and orders the images alike', async () => {
    const { bits } = await complexity(x())
    const opencv = cases.map((image) => image.png_bits_opencv5)
    bits.forEach((value, i) => {
      expect(value).toBeLessThanOrEqual(opencv[i]!)
      // Nor much smaller: both are 57 bytes around a deflate stream of the same pixels.
      expect(value).toBeGreaterThan(0.9 * opencv[i]!)
    })
    const order = (values: ArrayLike<number>) => Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!)
    expect(order(bits)).toEqual(order(opencv))
  })

  it("compat 'reference' adds a lossy JPEG of OpenCV's size, and the ensemble is the smaller of the two", async () => {
    const { bits, bytes, codecs } = await complexity(x(), { compat: 'reference' })
    expect(codecs).toEqual(['png', 'jpeg'])
    expect(Array.from(bytes[1]!, (size) => 8 * size)).toEqual(cases.map((image) => image.jpeg_q95_bits_opencv5))
    bits.forEach((value, i) => {
      expect(value).toBe(8 * Math.min(bytes[0]![i]!, bytes[1]![i]!))
      expect(value).toBeLessThanOrEqual(cases[i]!.ensemble_bits)
    })
  })
})

describe('complexity', () => {
  it('of a constant image is little more than the container; of noise, no less than its entropy', async () => {
    const n = 64
    const rng = random(3)
    const images = [
      picture(n, n, 1, 'constant'),
      { width: n, height: n, channels: 1, data: Uint8Array.from({ length: n * n }, () => rng.integer(256)) },
      // Noise of two values: one bit a pixel, which a good compressor comes near to and none can go below on average.
      { width: n, height: n, channels: 1, data: Uint8Array.from({ length: n * n }, () => 255 * rng.integer(2)) },
    ] as const
    const { bits } = await complexity(batch(images), { count: 'payload' })
    // A match of deflate repeats at most 258 bytes: 17 of them and the row headers.
    expect(bits[0]).toBeLessThan(8 * 64)
    expect(bits[1]).toBeGreaterThan(8 * n * n)
    expect(bits[1]).toBeLessThan(8 * n * n * 1.03)
    expect(bits[2]).toBeGreaterThan(n * n)
    // Deflate takes chance matches where coding pixel by pixel would be shorter, which costs about half a bit a pixel;
    // other builds of zlib choose other matches.
    expect(bits[2]).toBeLessThan(1.6 * n * n)
  })

  it('is the smallest file of any codec, and names the first of equals', async () => {
    const codecs = [madeUp('a', first), madeUp('b', (image) => 10 - first(image)), madeUp('c', () => 5)]
    const { bits, winner, bytes, codecs: names } = await complexity(pixels(1, 9, 5), { codecs })
    expect(Array.from(bits)).toEqual([8, 8, 40])
    expect(Array.from(winner)).toEqual([0, 1, 0])
    expect(names).toEqual(['a', 'b', 'c'])
    expect(bytes.map((sizes) => Array.from(sizes))).toEqual([
      [1, 9, 5],
      [9, 1, 5],
      [5, 5, 5],
    ])
  })

  it('never grows when a codec is added', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 64, maxLength: 64 }), async (data) => {
        const x = batch([{ width: 8, height: 8, channels: 1, data }])
        const raw: Codec = { name: 'raw', lossless: true, encode: (image) => image.data }
        const { bits: one } = await complexity(x)
        const { bits: two } = await complexity(x, { codecs: [pngCodec(), raw] })
        expect(two[0]).toBe(Math.min(one[0]!, 8 * 64))
      }),
      { numRuns: 20 },
    )
  })

  it('lets a codec that fails drop out for that image, with one warning', async () => {
    const warnings: string[] = []
    const codecs = [madeUp('brittle', (image) => (first(image) > 2 ? -1 : 1)), madeUp('solid', () => 7)]
    const { bits, winner, bytes } = await complexity(pixels(1, 3, 2, 4), {
      codecs,
      onWarning: (message) => warnings.push(message),
    })
    expect(Array.from(bits)).toEqual([8, 56, 8, 56])
    expect(Array.from(winner)).toEqual([0, 1, 0, 1])
    expect(bytes[0]![1]).toBe(Number.POSITIVE_INFINITY)
    expect(warnings).toEqual([
      'complexity: brittle drops out for 2 of 4 images it could not encode (first in row 1: no room for -1)',
    ])
  })

  it('is an error for an image that no codec can encode, and counts an empty file as a failure', async () => {
    await expect(
      complexity(pixels(1, 200), { codecs: [madeUp('brittle', (image) => 100 - first(image))] }),
    ).rejects.toMatchObject({
      code: 'E_RUNTIME',
      message: 'complexity: expected at least one of brittle to encode row 1, got none (row 1: no room for -100)',
    })
    await expect(complexity(pixels(100), { codecs: [madeUp('empty', () => 0)] })).rejects.toThrow('an empty file')
  })

  it('counts payloads where asked, and whole files for codecs that cannot tell', async () => {
    const { payload: _, ...untold } = madeUp('untold', () => 4)
    const { bytes } = await complexity(pixels(0), { codecs: [madeUp('told', () => 4), untold], count: 'payload' })
    expect(bytes.map((sizes) => sizes[0])).toEqual([3, 4])
    const x = batch([picture(28, 28, 1, 'waves')])
    const [file, payload] = [await complexity(x), await complexity(x, { count: 'payload' })]
    expect(file.bits[0]! - payload.bits[0]!).toBe(8 * 57)
  })

  it('does not depend on the batch size, and is the same every time', async () => {
    const x = batch(kinds.map((kind) => picture(12, 10, 3, kind)))
    const whole = await complexity(x)
    for (const batchSize of [1, 2, 64]) expect(await complexity(x, { batchSize })).toEqual(whole)
    const one = await complexity(batch([picture(12, 10, 3, 'waves')]))
    expect(whole.bits[kinds.indexOf('waves')]).toBe(one.bits[0])
  })

  it('sees channels of a pixel side by side', async () => {
    const seen: ByteImage[] = []
    const image: ByteImage = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }
    await complexity(batch([image]), { codecs: [madeUp('spy', (given) => seen.push(given))] })
    expect(seen).toEqual([image])
  })

  it('takes no images', async () => {
    const { bits, winner, bytes } = await complexity(tensor(new Float32Array(0), [0, 1, 28, 28]))
    expect([bits.length, winner.length, bytes.map((sizes) => sizes.length)]).toEqual([0, 0, [0]])
  })

  it.each([
    [[1, 1, 2], 'complexity: expected images [N, 1 or 3, H, W], got [1, 1, 2]'],
    [[1, 2, 1, 1], 'complexity: expected images [N, 1 or 3, H, W], got [1, 2, 1, 1]'],
    [[2, 1, 0, 1], 'complexity: expected images [N, 1 or 3, H, W], got [2, 1, 0, 1]'],
  ])('refuses shape %j', async (shape, message) => {
    const size = (shape as number[]).reduce((product, n) => product * n, 1)
    await expect(complexity(tensor(new Float32Array(size), shape as number[]))).rejects.toThrow(message as string)
  })

  it.each([
    [0.5, 'E_ARGUMENT'],
    [-1, 'E_ARGUMENT'],
    [256, 'E_ARGUMENT'],
    [Number.NaN, 'E_NOT_FINITE'],
    [Number.POSITIVE_INFINITY, 'E_NOT_FINITE'],
  ])('refuses pixel %d, naming its row', async (value, code) => {
    const data = new Float32Array(8)
    data[6] = value
    await expect(complexity(tensor(data, [2, 1, 2, 2]))).rejects.toMatchObject({
      code,
      message: `complexity: expected whole numbers 0..255, got ${value} in row 1 at position 2`,
    })
  })

  it('refuses no codecs, equal names, lossy codecs without compat, and unknown settings', async () => {
    const x = pixels(0)
    await expect(complexity(x, { codecs: [] })).rejects.toMatchObject({ code: 'E_EMPTY' })
    await expect(complexity(x, { codecs: [pngCodec(), pngCodec()] })).rejects.toThrow('different names, got [png, png]')
    await expect(complexity(x, { codecs: [jpegCodec()] })).rejects.toThrow(
      "lossless codecs (lossy: compat 'reference'), got jpeg",
    )
    await expect(complexity(x, { count: 'bits' as 'file' })).rejects.toThrow(
      'complexity count: expected file or payload, got bits',
    )
    await expect(complexity(x, { compat: 'corrected' as 'reference' })).rejects.toThrow('complexity compat')
  })

  it('reports progress, gives others a turn, and stops when told', async () => {
    const x = batch(Array.from({ length: 10 }, () => picture(4, 4, 1, 'ramp')))
    const done: number[] = []
    let turns = 0
    const timer = setInterval(() => turns++)
    await complexity(x, { batchSize: 4, onProgress: (progress) => done.push(progress.done) })
    clearInterval(timer)
    expect(done).toEqual([4, 8, 10])
    expect(turns).toBeGreaterThan(0)

    const stop = new AbortController()
    // Fired by a timer, as a key press would be: it gets its turn between batches.
    setTimeout(() => stop.abort())
    await expect(complexity(x, { batchSize: 1, signal: stop.signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})
