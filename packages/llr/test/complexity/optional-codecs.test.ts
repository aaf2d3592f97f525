// WebP, JPEG 2000 and JPEG XL: their files decoded back to the same pixels by their own decoders, and missing packages.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { openPeer } from '../../src/complexity/optional/open-peer.ts'
import {
  type ByteImage,
  type Codec,
  codecNames,
  installedCodecs,
  jpeg2000Codec,
  jpegXlCodec,
  openCodecs,
  webpCodec,
} from '../../src/index.ts'
import { type Kind, kinds, picture } from './pictures.ts'

/** One optional codec: the package it needs, how to open it, and how to open the package's decoder. */
interface Peer {
  name: string
  packageName: string
  open: () => Promise<Codec>
  /** Makes a decoder to pixels, channels last, as many channels as the image had. */
  openDecoder: () => Promise<(file: Uint8Array, channels: 1 | 3) => Promise<Uint8Array>>
  /** Grey levels by which the decoder misses colours: only where it converts them, see fixtures/libjxl.py. */
  colourError: 0 | 1
}

const require = createRequire(import.meta.url)
const isInstalled = (name: string): boolean => {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch (error) {
    // A package may keep its package.json to itself and still be there.
    return (error as { code?: string }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}

/** The decoder of a @jsquash package, which gives RGBA: grey images come back as three equal channels. */
async function rgbaDecoder(decoder: string, wasm: string): ReturnType<Peer['openDecoder']> {
  const { init, default: decode } = (await import(decoder)) as {
    init: (module: object) => Promise<unknown>
    default: (file: ArrayBuffer) => Promise<{ data: Uint8ClampedArray }>
  }
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } }
  // The decoders make an ImageData, which Node does not have.
  const scope = globalThis as { ImageData?: unknown }
  scope.ImageData ??= class {
    readonly data: Uint8ClampedArray
    constructor(data: Uint8ClampedArray) {
      this.data = data
    }
  }
  await init(await WebAssembly.compile(readFileSync(require.resolve(wasm))))
  return async (file, channels) => {
    const { data } = await decode(Uint8Array.from(file).buffer)
    const pixels: number[] = []
    for (let i = 0; i < data.length; i += 4) {
      if (channels === 1 && !(data[i] === data[i + 1] && data[i] === data[i + 2])) throw new Error('not grey any more')
      if (data[i + 3] !== 255) throw new Error('not opaque any more')
      pixels.push(...data.subarray(i, i + channels))
    }
    return Uint8Array.from(pixels)
  }
}

const peers: Peer[] = [
  {
    name: 'webp',
    packageName: '@jsquash/webp',
    open: webpCodec,
    openDecoder: () => rgbaDecoder('@jsquash/webp/decode.js', '@jsquash/webp/codec/dec/webp_dec.wasm'),
    colourError: 0,
  },
  {
    name: 'jpeg-xl',
    packageName: '@jsquash/jxl',
    open: jpegXlCodec,
    openDecoder: () => rgbaDecoder('@jsquash/jxl/decode.js', '@jsquash/jxl/codec/dec/jxl_dec.wasm'),
    colourError: 1,
  },
  {
    name: 'jpeg2000',
    packageName: '@cornerstonejs/codec-openjpeg',
    open: jpeg2000Codec,
    async openDecoder() {
      // The package's other build (plain JavaScript), so that nothing but the format is shared with the encoder.
      const openJs = require('@cornerstonejs/codec-openjpeg') as (options: object) => Promise<{
        J2KDecoder: new () => {
          getEncodedBuffer(size: number): Uint8Array
          decode(): void
          getDecodedBuffer(): Uint8Array
          delete(): void
        }
      }>
      const { J2KDecoder } = await openJs({ print() {}, printErr() {} })
      return async (file) => {
        const decoder = new J2KDecoder()
        decoder.getEncodedBuffer(file.length).set(file)
        decoder.decode()
        const pixels = Uint8Array.from(decoder.getDecodedBuffer())
        decoder.delete()
        return pixels
      }
    },
    colourError: 0,
  },
]

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}

for (const { name, packageName, open, openDecoder, colourError } of peers) {
  const installed = isInstalled(packageName)
  const title = `${name} codec${installed ? '' : ` (skipped: ${packageName} is not installed)`}`
  describe.skipIf(!installed)(title, () => {
    let codec: Codec
    let decode: Awaited<ReturnType<Peer['openDecoder']>>
    beforeAll(async () => {
      codec = await open()
      decode = await openDecoder()
    })

    it('calls itself lossless', () => {
      expect([codec.name, codec.lossless]).toEqual([name, true])
    })

    it.each([
      [28, 28, 1],
      [32, 32, 3],
      [17, 11, 1],
      [1, 1, 3],
      [1, 40, 1],
    ] as const)('gives back the pixels of %i x %i x %i', async (height, width, channels) => {
      for (const kind of kinds) {
        const image = picture(height, width, channels, kind)
        const file = await codec.encode(image)
        const distance = largestDifference(await decode(file, channels), image.data)
        expect(distance).toBeLessThanOrEqual(channels === 3 ? colourError : 0)
        expect(codec.payload!(file)).toBeGreaterThan(0)
        expect(codec.payload!(file)).toBeLessThan(file.length)
      }
    })

    it('gives back every pixel of random grey images', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 54, maxLength: 54 }), async (data) => {
          const image: ByteImage = { width: 9, height: 6, channels: 1, data }
          expect(await decode(await codec.encode(image), 1)).toEqual(data)
        }),
        { numRuns: 20 },
      )
    })

    it('ranks a constant image below waves below noise, and cannot squeeze noise', async () => {
      const [constant, waves, noise] = await Promise.all(
        (['constant', 'waves', 'hash'] as const).map(
          async (kind) => (await codec.encode(picture(28, 28, 1, kind))).length,
        ),
      )
      expect(constant!).toBeLessThan(waves!)
      expect(waves!).toBeLessThan(noise!)
      expect(noise!).toBeGreaterThan(784)
    })

    it('writes the same bytes every time', async () => {
      const image = picture(28, 28, 1, 'waves')
      const first = await codec.encode(image)
      await codec.encode(picture(28, 28, 1, 'hash'))
      expect(await codec.encode(image)).toEqual(first)
    })
  })
}

describe('settings', () => {
  it.runIf(isInstalled('@jsquash/jxl'))(
    'jpeg-xl writes the colour files whose every pixel libjxl gave back',
    async () => {
      const { cases } = JSON.parse(readFileSync(new URL('fixtures/libjxl.json', import.meta.url), 'utf8')) as {
        cases: { height: number; width: number; kind: Kind; file: string }[]
      }
      const codec = await jpegXlCodec()
      for (const { height, width, kind, file } of cases)
        expect(Buffer.from(await codec.encode(picture(height, width, 3, kind))).toString('base64')).toBe(file)
    },
  )

  it.runIf(isInstalled('@cornerstonejs/codec-openjpeg'))(
    'jpeg2000 allows no more levels than an image has',
    async () => {
      const tooMany = await jpeg2000Codec({ decompositions: [5] })
      expect(() => tooMany.encode(picture(28, 28, 1, 'waves'))).toThrow(
        'jpeg2000Codec decompositions: expected one of at most 4 for this image, got [5]',
      )
      const sizes = await Promise.all(
        [0, 1, 2, 3, 4].map(async (levels) => {
          const codec = await jpeg2000Codec({ decompositions: [levels] })
          return (await codec.encode(picture(28, 28, 1, 'waves'))).length
        }),
      )
      const all = await jpeg2000Codec()
      expect((await all.encode(picture(28, 28, 1, 'waves'))).length).toBe(Math.min(...sizes))
    },
  )

  it('are checked before a package is looked for', async () => {
    await expect(webpCodec({ method: 7 })).rejects.toThrow('webpCodec method: expected a whole number 0..6, got 7')
    await expect(jpegXlCodec({ effort: 0 })).rejects.toThrow('jpegXlCodec effort: expected a whole number 1..9, got 0')
    await expect(jpeg2000Codec({ decompositions: [] })).rejects.toThrow('expected whole numbers 0..32, got []')
  })
})

describe('codecs by name', () => {
  it('opens png without any package and refuses names there are not', async () => {
    expect((await openCodecs(['png'])).map(({ name }) => name)).toEqual(['png'])
    await expect(openCodecs(['flif'])).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
      message: 'codec: expected one of png, webp, jpeg2000, jpeg-xl, got flif',
    })
  })

  it('finds exactly the installed ones, png first', async () => {
    const expected = codecNames.filter((name) => {
      const peer = peers.find((candidate) => candidate.name === name)
      return !peer || isInstalled(peer.packageName)
    })
    expect((await installedCodecs()).map(({ name }) => name)).toEqual(expected)
  })
})

describe('a package that is not there', () => {
  const missing = Object.assign(new Error("Cannot find package '@jsquash/webp' imported from here"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })

  it('is named, with the command that installs it', async () => {
    await expect(openPeer('webpCodec', '@jsquash/webp', () => Promise.reject(missing))).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      message: 'webpCodec: expected the optional package @jsquash/webp, got none (npm install @jsquash/webp)',
    })
  })

  it('is told from one that is there and fails, or misses something of its own', async () => {
    await expect(openPeer('webpCodec', '@jsquash/webp', () => Promise.reject(7))).rejects.toMatchObject({
      code: 'E_RUNTIME',
      message: 'webpCodec: expected @jsquash/webp to start, got exception 7',
    })
    await expect(openPeer('jpegXlCodec', '@jsquash/jxl', () => Promise.reject(missing))).rejects.toMatchObject({
      code: 'E_RUNTIME',
    })
  })

  it('is what a real import of one says', async () => {
    const name: string = '@ood/no-such-codec'
    await expect(openPeer('codec', name, () => import(/* @vite-ignore */ name))).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    })
  })
})
