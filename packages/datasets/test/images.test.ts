// Image folders and zips against Pillow, greyscale and resizing, and images that are broken, hostile or misplaced.
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { tensor } from '@ood/core'
import { encode as encodePng } from 'fast-png'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { greyscale, listImages, readImageFolder, readImageZip, resizeImages } from '../src/index.ts'
import { expectError, fixture, golden, temporaryFolder } from './helpers.ts'

const folder = fixture('images')
const names = Object.keys(golden.images).sort()

/** Largest difference in levels. */
function furthest(got: ArrayLike<number>, expected: number[]): number {
  expect(got.length).toBe(expected.length)
  return Math.max(...expected.map((v, i) => Math.abs(v - got[i]!)))
}

describe('readImageFolder', () => {
  it('lists images of the tree in order of code points, other files passed over', async () => {
    expect(await listImages(folder)).toEqual(names)
    expect(names).toHaveLength(11)
  })

  it('names the folder an image stands in as its class', async () => {
    const { classes, labels, files } = await readImageFolder(folder)
    expect(classes).toEqual(['', 'a', 'a/deep', 'b'])
    expect(files).toEqual(names)
    for (const [i, file] of files.entries()) {
      expect(classes[labels[i]!]).toBe(file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '')
    }
  })

  it('equals Pillow on every PNG exactly and on JPEGs closely', async () => {
    for (const mode of ['rgb', 'greyscale'] as const) {
      const { images } = await readImageFolder(folder, { mode })
      const [n, channels, height, width] = images.shape
      expect([n, channels, height, width]).toEqual([11, mode === 'rgb' ? 3 : 1, 11, 13])
      for (const [i, name] of names.entries()) {
        const d = channels! * height! * width!
        const gap = furthest(
          images.data.subarray(i * d, (i + 1) * d),
          golden.images[name]![mode === 'rgb' ? 'rgb' : 'grey'],
        )
        // JPEG decoders may round the cosine transform and the colour conversion differently: a few levels. With
        // halved chroma this decoder repeats where libjpeg interpolates, so edges of colour differ visibly.
        const allowed = name.includes('subsampled') ? 100 : /jpe?g$/i.test(name) ? 4 : 0
        expect(gap, `${name} ${mode}`).toBeLessThanOrEqual(allowed)
      }
    }
  })

  it('takes the rows asked for', async () => {
    const { files, images, labels, classes } = await readImageFolder(folder, { rows: [3, 0, 3], mode: 'greyscale' })
    expect(files).toEqual([names[3], names[0], names[3]])
    expect(images.shape[0]).toBe(3)
    expect(labels[0]).toBe(labels[2])
    expect(classes).toHaveLength(4)
    for (const row of ['1', 1n, null, 0.5])
      await expectError(
        readImageFolder(folder, { rows: [row as number] }),
        'E_ARGUMENT',
        /images rows: expected positions/,
      )
    await expectError(readImageFolder(folder, { rows: [11] }), 'E_ARGUMENT', /images rows: expected positions 0\.\.10/)
  })

  it('inverts, resizes mixed sizes, and reports progress', async () => {
    const copy = await temporaryFolder()
    await cp(join(folder, 'a', 'grey.png'), join(copy, 'x.png'))
    await writeFile(
      join(copy, 'y.png'),
      encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 0, 0, 0) }),
    )
    const seen: number[] = []
    const { images } = await readImageFolder(copy, {
      mode: 'greyscale',
      size: [11, 13],
      invert: true,
      onProgress: ({ done }) => seen.push(done),
    })
    expect([...images.data.subarray(0, 143)]).toEqual(golden.images['a/grey.png']!.grey.map((v) => 255 - v))
    expect(new Set(images.data.subarray(143))).toEqual(new Set([255]))
    expect(seen).toEqual([2])
    await expectError(readImageFolder(copy), 'E_SHAPE', /y\.png: expected 11 x 13 like the first image, got 2 x 2/)
  })

  it('refuses what is broken, missing, too large, or leads outside', async () => {
    const copy = await temporaryFolder()
    await expectError(readImageFolder(join(copy, 'none')), 'E_FILE', /none: expected a folder, got nothing there/)
    await expectError(readImageFolder(copy), 'E_EMPTY', /expected PNG or JPEG images, got none/)
    const path = join(copy, 'x.png')
    const png = new Uint8Array(await readFile(join(folder, 'a', 'rgb.png')))
    const jpeg = new Uint8Array(await readFile(join(folder, 'a', 'deep', 'rgb.JPEG')))
    const huge = png.slice()
    new DataView(huge.buffer).setUint32(16, 1_000_000)
    new DataView(huge.buffer).setUint32(20, 1_000_000)
    const flipped = png.slice()
    flipped[60]! ^= 0xff
    const failing: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /x\.png: expected a PNG or JPEG image, got 0 bytes/],
      [new TextEncoder().encode('GIF89a'), /expected a PNG or JPEG image/],
      [png.subarray(0, 20), /expected a PNG header, got 20 bytes/],
      [png.subarray(0, png.length - 20), /expected a whole PNG/],
      [flipped, /expected a whole PNG/],
      [huge, /expected at most 67108864 pixels, got 1000000 x 1000000/],
      [jpeg.subarray(0, 30), /expected a whole JPEG/],
      [jpeg.subarray(0, jpeg.length >> 1), /expected a whole JPEG/],
    ]
    for (const [bytes, message] of failing) {
      await writeFile(path, bytes)
      await expectError(readImageFolder(copy), 'E_FILE', message)
    }
    await writeFile(path, png)
    await expectError(readImageFolder(copy, { maxBytes: 1000 }), 'E_ARGUMENT', /at most 1000 bytes .*, got 1716 bytes/)
    await expectError(readImageFolder(copy, { size: [0, 3] }), 'E_ARGUMENT', /image size/)
    await expectError(readImageFolder(copy, { signal: AbortSignal.abort() }), 'E_ABORTED', /stopped by the caller/)

    const inner = join(copy, 'inner')
    await mkdir(inner)
    await cp(path, join(inner, 'a.png'))
    await symlink('a.png', join(inner, 'b.png'))
    expect((await readImageFolder(inner)).files).toEqual(['a.png', 'b.png'])
    await symlink('../x.png', join(inner, 'c.png'))
    await expectError(readImageFolder(inner), 'E_FILE', /c\.png: expected a link inside the folder/)
  })

  it('refuses a PNG whose data unpack to more or less than its header says, before decoding it', async () => {
    const copy = await temporaryFolder()
    const chunk = (type: string, body: Uint8Array): Buffer => {
      const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)])
      bytes.writeUInt32BE(body.length, 0)
      bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
      return bytes
    }
    const grey = (width: number, height: number, raw: Uint8Array): Buffer => {
      const head = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, 0, 0, 0, 0])
      const signature = Buffer.from('89504e470d0a1a0a', 'hex')
      return Buffer.concat([
        signature,
        chunk('IHDR', head),
        chunk('IDAT', deflateSync(raw)),
        chunk('IEND', head.subarray(13)),
      ])
    }
    const path = join(copy, 'x.png')
    await writeFile(path, grey(10, 10, new Uint8Array(110)))
    expect((await readImageFolder(copy)).images.shape).toEqual([1, 3, 10, 10])
    // 60 MB of zeros behind 60 kB.
    await writeFile(path, grey(10, 10, new Uint8Array(60_000_000)))
    await expectError(readImageFolder(copy), 'E_FILE', /x\.png: expected a whole PNG, got .*larger than 110 bytes/)
    await writeFile(path, grey(10, 10, new Uint8Array(109)))
    await expectError(readImageFolder(copy), 'E_FILE', /x\.png: expected a whole PNG of 110 unpacked bytes, got 109/)
  })
})

describe('readImageZip', () => {
  it('reads the images of a zip as those of a folder', async () => {
    const { images, files, classes, labels } = await readImageZip(fixture('images.zip'), { mode: 'greyscale' })
    expect(files).toEqual(['images/a/grey.png', 'images/a/rgb.png', 'images/b/bits1.png'])
    expect(classes).toEqual(['images/a', 'images/b'])
    expect([...labels]).toEqual([0, 0, 1])
    const expected = files.flatMap((file) => golden.images[file.slice('images/'.length)]!.grey)
    expect(furthest(images.data, expected)).toBe(0)
  })

  it('refuses names that leave the archive, empty and torn archives', async () => {
    const path = join(await temporaryFolder(), 'x.zip')
    const png = new Uint8Array(await readFile(join(folder, 'a', 'rgb.png')))
    await writeFile(path, zipSync({ '../x.png': png }))
    await expectError(readImageZip(path), 'E_FILE', /x\.zip: expected entry names inside the archive, got \.\.\/x\.png/)
    await writeFile(path, zipSync({ 'x.txt': png }))
    await expectError(readImageZip(path), 'E_EMPTY', /x\.zip: expected PNG or JPEG images, got none/)
    await writeFile(path, zipSync({ 'x.png': png.subarray(0, 50) }))
    await expectError(readImageZip(path), 'E_FILE', /x\.zip entry x\.png: expected a whole PNG/)
    await writeFile(path, zipSync({ 'x.png': png }).subarray(0, 60))
    await expectError(readImageZip(path), 'E_FILE', /x\.zip: expected a whole zip file/)
  })
})

describe('resizeImages and greyscale', () => {
  const rgb = golden.images['a/rgb.png']!
  const colour = tensor(Float32Array.from(rgb.rgb), [1, 3, 11, 13])

  for (const { size, rgb: expected } of golden.resize) {
    it(`resizes 11 x 13 to ${size.join(' x ')} like Pillow`, () => {
      const out = resizeImages(colour, size)
      expect(out.shape).toEqual([1, 3, ...size])
      // Pillow's weights are 22-bit fixed point: a value at exactly one half may round the other way.
      expect(furthest(out.data, expected)).toBeLessThanOrEqual(1)
      const off = expected.filter((v, i) => v !== out.data[i]).length
      expect(off / expected.length).toBeLessThan(0.01)
    })
  }

  it('leaves images of the right size alone and keeps constants constant', () => {
    expect([...resizeImages(colour, [11, 13]).data]).toEqual(rgb.rgb)
    const flat = tensor(new Float32Array(105 * 105).fill(77), [1, 1, 105, 105])
    expect(new Set(resizeImages(flat, [28, 28]).data)).toEqual(new Set([77]))
    expect(() => resizeImages(colour, [0, 1])).toThrow(/image size: expected two positive integers/)
    expect(() => resizeImages(tensor(new Float32Array(4), [2, 2]), [1, 1])).toThrow(/resizeImages: expected images/)
  })

  it('computes luma like Pillow, and greys pass', () => {
    expect([...greyscale(colour).data]).toEqual(rgb.grey)
    const grey = greyscale(colour)
    expect([...greyscale(grey).data]).toEqual(rgb.grey)
    expect(() => greyscale(tensor(new Float32Array(8), [1, 2, 2, 2]))).toThrow(/greyscale: expected images/)
  })
})
