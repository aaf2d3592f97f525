// SVG and PNG out of specifications and images.
import { inflateSync } from 'node:zlib'
import { tensor } from '@ood/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { imageGrid, type PlotSpec, renderPng, renderSvg } from '../src/index.ts'
import { encodePng } from '../src/internal/png.ts'
import { charts } from './charts.ts'

describe('renderSvg', () => {
  it('writes one SVG element with a name, fonts with fallbacks, and nothing that loads or runs', async () => {
    const svg = await renderSvg(charts.scatter!)
    expect(svg).toMatch(/^<svg role="img" aria-label="Digits are likelier, but [^"]+" /)
    expect(svg).toContain('font-family="DejaVu Sans, Helvetica, Arial, sans-serif"')
    expect(svg).not.toMatch(/<script|<style|\shref=|\son\w+=/)
    expect(svg.match(/<svg/g)).toHaveLength(1)
  })

  it('escapes texts', async () => {
    const svg = await renderSvg({ ...charts.roc!, title: 'a <b> & "c"', description: 'a <b> & "c"' } as PlotSpec)
    expect(svg).toContain('aria-label="a &lt;b&gt; &amp; &quot;c&quot;"')
    expect(svg).toContain('>a &lt;b&gt; &amp; "c"</text>')
  })

  it('passes warnings on', async () => {
    const warnings: string[] = []
    const spec = {
      data: { values: [{ a: 1 }] },
      mark: 'point',
      encoding: { x: { field: 'a', type: 'quantitative', stack: 'zero' }, size: { aggregate: 'argmax', field: 'a' } },
    }
    await renderSvg(spec as PlotSpec, { onWarning: (message) => warnings.push(message) })
    expect(warnings.join()).not.toBe('')
  })

  it('names what cannot be drawn', async () => {
    await expect(renderSvg({ mark: 'point', layer: 3 } as unknown as PlotSpec)).rejects.toThrowError(
      expect.objectContaining({
        code: 'E_ARGUMENT',
        message: expect.stringContaining('renderSvg: expected a drawable specification'),
      }),
    )
    // A failure must not stop the drawings that wait behind it.
    expect(await renderSvg(charts.roc!)).toContain('<svg')
  })
})

describe('renderPng', () => {
  afterEach(() => {
    vi.doUnmock('@resvg/resvg-js')
    vi.resetModules()
  })

  it('draws at the asked scale', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20" fill="#ff0000"/></svg>'
    for (const scale of [1, 3]) {
      const { width, height, pixels } = decodePng(await renderPng(svg, { scale }))
      expect([width, height]).toEqual([30 * scale, 20 * scale])
      expect([...pixels.subarray(0, 4)]).toEqual([255, 0, 0, 255])
    }
  })

  it('says which package is missing', async () => {
    vi.resetModules()
    vi.doMock('@resvg/resvg-js', () => {
      throw new Error('not found')
    })
    const { renderPng: render } = await import('../src/render.ts')
    await expect(render('<svg/>')).rejects.toThrowError(
      expect.objectContaining({
        code: 'E_UNSUPPORTED',
        message: expect.stringContaining('npm install @resvg/resvg-js'),
      }),
    )
  })

  it('refuses what is no SVG', async () => {
    await expect(renderPng('<html>')).rejects.toThrowError(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe('encodePng', () => {
  it.each([
    [1, 5, 3],
    [3, 4, 2],
  ] as const)('with %i channels is read back by an independent reader', (channels, width, height) => {
    const pixels = Uint8Array.from({ length: channels * width * height }, (_, i) => (i * 37) % 256)
    const png = decodePng(encodePng(pixels, width, height, channels))
    expect(png).toEqual({ width, height, channels, pixels })
  })
})

describe('imageGrid', () => {
  const grid = (shape: number[], value = 0.5, options = {}) =>
    imageGrid({
      groups: [{ label: 'a', images: tensor(new Float64Array(shape.reduce((a, b) => a * b)).fill(value), shape) }],
      ...options,
    })
  const sheet = (svg: string) => decodePng(Buffer.from(/base64,([^"]+)/.exec(svg)![1]!, 'base64'))

  it('places images in rows with white gaps', () => {
    const images = tensor(Float32Array.of(0, 0.2, 0.4, 0.6, 1, 7), [3, 1, 1, 2])
    const { width, height, pixels } = sheet(imageGrid({ groups: [{ images }], columns: 2, zoom: 1 }))
    expect([width, height]).toEqual([6, 4])
    const white = new Array<number>(12).fill(255)
    expect([...pixels]).toEqual([0, 51, 255, 255, 102, 153, ...white, 255, 255, 255, 255, 255, 255])
  })

  it('maps its range to black and white', () => {
    expect(sheet(grid([1, 1, 1, 1], 0.5, { range: [0, 2], zoom: 1 })).pixels[0]).toBe(64)
    expect(sheet(grid([1, 3, 2, 2], 255, { range: [0, 255], zoom: 2 }))).toMatchObject({
      width: 4,
      height: 4,
      channels: 3,
    })
  })

  it.each([
    ['two channels', () => grid([1, 2, 4, 4]), 'E_SHAPE', 'imageGrid a: expected [N, 1 or 3, 4, 4], got [1, 2, 4, 4]'],
    ['flat images', () => grid([3, 16]), 'E_SHAPE', 'imageGrid a'],
    [
      'no images',
      () => imageGrid({ groups: [{ images: tensor(new Float32Array(0), [0, 1, 2, 2]) }] }),
      'E_EMPTY',
      'at least one',
    ],
    ['no groups', () => imageGrid({ groups: [] }), 'E_EMPTY', 'at least one group'],
    ['NaN', () => grid([1, 1, 2, 2], Number.NaN), 'E_NOT_FINITE', 'imageGrid a[0]'],
    ['no columns', () => grid([1, 1, 2, 2], 0, { columns: 0 }), 'E_ARGUMENT', 'imageGrid columns'],
    ['an empty range', () => grid([1, 1, 2, 2], 0, { range: [1, 1] }), 'E_ARGUMENT', 'imageGrid range'],
  ])('refuses %s', (_, make, code, message) => {
    expect(make).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

/** A PNG reader for 8-bit pictures written from the standard alone, all five filters. */
function decodePng(bytes: Uint8Array): { width: number; height: number; channels: number; pixels: Uint8Array } {
  const png = Buffer.from(bytes)
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const data: Buffer[] = []
  let [width, height, channels] = [0, 0, 0]
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + length)
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc(png.subarray(at + 4, at + 8 + length)))
    if (type === 'IHDR') {
      ;[width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)]
      channels = { 0: 1, 2: 3, 6: 4 }[body[9]!]!
    }
    if (type === 'IDAT') data.push(body)
    at += 12 + length
  }
  const raw = inflateSync(Buffer.concat(data))
  const stride = width * channels
  const pixels = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < stride; x++) {
      const a = x >= channels ? pixels[y * stride + x - channels]! : 0
      const b = y > 0 ? pixels[(y - 1) * stride + x]! : 0
      const c = x >= channels && y > 0 ? pixels[(y - 1) * stride + x - channels]! : 0
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
      const filter = [0, a, b, (a + b) >> 1, paeth][raw[y * (stride + 1)]!]!
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x]! + filter
    }
  return { width, height, channels, pixels }
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let k = 0; k < 8; k++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  }
  return (value ^ 0xffffffff) >>> 0
}
