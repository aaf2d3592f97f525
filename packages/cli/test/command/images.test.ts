// Every kind of image source a command takes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeNpy } from '@ood/datasets'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { readImages } from '../../src/command/images.ts'
import { temporaryFolder } from '../helpers.ts'
import { writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
const shape = [1, 2, 2]
// A grey PNG of 2 x 2 pixels 0, 85, 170, 255, made with Python's zlib.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgCGVY9R8AA60B/2f7ygkAAAAASUVORK5CYII=',
  'base64',
)

describe('readImages', () => {
  it('reads a folder of pictures with their names', async () => {
    const pictures = join(folder, 'pictures')
    mkdirSync(join(pictures, 'class'), { recursive: true })
    for (const name of ['b.png', 'a.png', 'class/c.png']) writeFileSync(join(pictures, name), png)
    const { images, names } = await readImages(pictures, { shape })
    expect(names).toEqual(['a.png', 'b.png', 'class/c.png'])
    expect([...images.data.slice(0, 4)]).toEqual([0, 85, 170, 255])
    expect((await readImages(pictures, { shape, limit: 2 })).names).toEqual(['a.png', 'b.png'])
    expect([...(await readImages(pictures, { shape, invert: true })).images.data.slice(0, 4)]).toEqual([
      255, 170, 85, 0,
    ])
    await expect(readImages(pictures, { shape: [1, 4, 4] })).rejects.toThrow(
      'expected images [N, 1, 4, 4], got [3, 1, 2, 2]',
    )
    expect((await readImages(pictures, { shape: [3, 4, 4], resize: true })).images.shape).toEqual([3, 3, 4, 4])
  })

  it('reads .npy with and without a channel axis', async () => {
    const path = writeImages(join(folder, 'a.npy'), [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ])
    const { images, names } = await readImages(path, { shape, limit: 1 })
    expect([images.shape, [...images.data], names]).toEqual([[1, 1, 2, 2], [1, 2, 3, 4], ['0']])
    await expect(readImages(path, { shape, resize: true })).rejects.toThrow('--resize and --invert')
  })

  it('reads IDX', async () => {
    const path = join(folder, 'images-idx3-ubyte')
    writeFileSync(path, Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8))
    const { images, names } = await readImages(path, { shape })
    expect([images.shape, [...images.data], names]).toEqual([
      [2, 1, 2, 2],
      [1, 2, 3, 4, 5, 6, 7, 8],
      ['0', '1'],
    ])
  })

  it('reads a single picture, whatever its name', async () => {
    for (const name of ['one.png', 'one', 'one.npz']) {
      const path = join(folder, name)
      writeFileSync(path, png)
      const { images, names } = await readImages(path, { shape })
      expect([images.shape, [...images.data], names]).toEqual([[1, 1, 2, 2], [0, 85, 170, 255], [name]])
    }
    expect((await readImages(join(folder, 'one'), { shape: [3, 4, 4], resize: true })).images.shape).toEqual([
      1, 3, 4, 4,
    ])
  })

  it.each(['zip', 'folder'])('leaves broken pictures of a %s out where asked to, and names them', async (kind) => {
    const files = { 'a.png': png, 'b.png': png.subarray(0, 40), 'c/d.png': png, 'e.jpg': Buffer.from('not an image') }
    const source = join(folder, `broken-${kind}`)
    if (kind === 'zip') writeFileSync(source, zipSync(files))
    else
      for (const [name, bytes] of Object.entries(files)) {
        mkdirSync(join(source, name, '..'), { recursive: true })
        writeFileSync(join(source, name), bytes)
      }
    const broken = { code: 'E_FILE', message: expect.stringMatching(/b\.png: expected a/) }
    await expect(readImages(source, { shape })).rejects.toMatchObject(broken)
    await expect(readImages(source, { shape, onError: 'stop' })).rejects.toMatchObject(broken)
    const { images, names, skipped } = await readImages(source, { shape, onError: 'skip' })
    expect([images.shape[0], names]).toEqual([2, ['a.png', 'c/d.png']])
    expect(skipped.map(({ name }) => name)).toEqual(['b.png', 'e.jpg'])
    expect(skipped[1]!.reason).toMatch(/e\.jpg: expected a PNG or JPEG image/)
    // Pictures of another size are no broken ones: an option mends them.
    await expect(readImages(source, { shape: [1, 3, 3], onError: 'skip' })).rejects.toThrow('(--resize resizes them)')
  })

  it('says so when no picture is left', async () => {
    const source = join(folder, 'all-broken')
    mkdirSync(source)
    for (const name of ['a.png', 'b.png']) writeFileSync(join(source, name), 'x')
    await expect(readImages(source, { shape, onError: 'skip' })).rejects.toMatchObject({
      code: 'E_EMPTY',
      message: `${source}: expected images, got 2 broken ones and no other`,
    })
  })

  it.each<[string, Uint8Array, string]>([
    ['photo.gif', Buffer.from('GIF89a...'), 'a GIF image'],
    ['photo.webp', Buffer.from('RIFF....WEBP'), 'a WebP image or other RIFF file'],
    ['photo.tif', Uint8Array.of(0x49, 0x49, 0x2a, 0, 1, 2), 'a TIFF image'],
    ['notes.txt', Buffer.from('hello\n'), 'a text file'],
    ['empty', new Uint8Array(0), 'an empty file'],
    ['model.onnx', Uint8Array.of(8, 7, 18, 7, 112, 121), 'a file of another kind'],
  ])('%s is named for what it is', async (name, bytes, got) => {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    await expect(readImages(path, { shape })).rejects.toMatchObject({
      code: 'E_FILE',
      message: `${path}: expected a PNG, JPEG, .zip, .npy or IDX file, or a folder of pictures, got ${got}`,
    })
  })

  it('says what is missing: a path, a data set', async () => {
    for (const source of ['no/such/folder', './photos', 'photo.png', 'photos/mnist:test'])
      await expect(readImages(source, { shape })).rejects.toMatchObject({
        code: 'E_FILE',
        message: `${source}: expected a file or folder of images, got nothing there`,
      })
    await expect(readImages('photos', { shape })).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
      message: expect.stringMatching(
        /^photos: expected a file, a folder, or a data set \(.*mnist.*\), got nothing of that name$/,
      ),
    })
  })

  it('names channels-last arrays', async () => {
    const path = join(folder, 'last.npy')
    writeFileSync(path, encodeNpy({ data: new Uint8Array(2 * 4 * 5 * 3), shape: [2, 4, 5, 3] }))
    await expect(readImages(path, { shape: [3, 4, 5] })).rejects.toThrow(
      '[2, 4, 5, 3] (channels last? the order is [N, C, H, W])',
    )
  })

  it('reads samples by name', async () => {
    const { images, names } = await readImages('sample:mnist:test', { shape: [1, 28, 28], limit: 3 })
    expect(images.shape).toEqual([3, 1, 28, 28])
    expect(new Set(names).size).toBe(3)
    await expect(readImages('sample:mnist:dev', { shape: [1, 28, 28] })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_UNKNOWN_NAME' }),
    )
  })
})
