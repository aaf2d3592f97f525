// Every kind of image source a command takes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

  it('reads samples by name', async () => {
    const { images, names } = await readImages('sample:mnist:test', { shape: [1, 28, 28], limit: 3 })
    expect(images.shape).toEqual([3, 1, 28, 28])
    expect(new Set(names).size).toBe(3)
    await expect(readImages('sample:mnist:dev', { shape: [1, 28, 28] })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_UNKNOWN_NAME' }),
    )
  })
})
