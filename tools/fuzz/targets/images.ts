// Images: PNG (as stored, and with damage below its checksums), JPEG, and zips of images.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import type { Random } from '@ood/core'
import { readImageFolder, readImageZip } from '@ood/datasets'
import { zipSync } from 'fflate'
import { fixtures, pngSuite } from '../corpus.ts'
import { damaged } from '../mutate.ts'
import { type Case, pick, type Target, Wrong } from '../target.ts'

const MOST = { maxBytes: 2 ** 27 }

const png: Target = {
  name: 'png',
  weight: 8,
  async open(folder) {
    const [place, path] = imageFile(folder, 'x.png')
    const suite = pngSuite()
    return async (rng, keep) => {
      const { bytes, rgb } = pick(rng, suite)
      const stored = damaged(bytes, rng, pick(rng, suite).bytes)
      keep('x.png', stored)
      writeFileSync(path, stored)
      const { images } = await readImageFolder(place, MOST)
      // Bytes behind the end are no part of the image; all others are under a checksum.
      const size = images.data.length / 3
      const same =
        rgb.length === images.data.length && rgb.every((v, i) => images.data[(i % 3) * size + Math.floor(i / 3)] === v)
      if (!same && !suite.some((other) => startsWith(stored, other.bytes)))
        throw new Wrong('other pixels than were written')
      return 'ok'
    }
  },
}

const pngDeep: Target = {
  name: 'png below checksums',
  weight: 6,
  async open(folder) {
    const [place, path] = imageFile(folder, 'x.png')
    const suite = pngSuite()
    return async (rng, keep) => {
      const stored = repacked(pick(rng, suite).bytes, rng)
      keep('x.png', stored)
      writeFileSync(path, stored)
      await readImageFolder(place, { ...MOST, mode: pick(rng, ['rgb', 'greyscale']), size: [4, 4] })
      return 'ok'
    }
  },
}

const jpeg: Target = {
  name: 'jpeg',
  weight: 4,
  async open(folder) {
    const [place, path] = imageFile(folder, 'x.jpg')
    const inputs = fixtures('packages/datasets/test/fixtures/images', /jpe?g$/i)
    return async (rng, keep) => {
      const stored = damaged(pick(rng, inputs), rng, pick(rng, inputs))
      keep('x.jpg', stored)
      writeFileSync(path, stored)
      await readImageFolder(place, { ...MOST, size: [4, 4] })
      return 'ok'
    }
  },
}

const zip: Target = {
  name: 'image zip',
  weight: 6,
  async open(folder): Promise<Case> {
    const path = join(folder, 'x.zip')
    const [own] = fixtures('packages/datasets/test/fixtures', /images\.zip$/)
    const suite = pngSuite().filter(({ rgb }) => rgb.length === 9 * 7 * 3)
    const made = zipSync({ 'a/x.png': suite[0]!.bytes, 'b/y.png': suite[1]!.bytes }, { level: 0 })
    const inputs = [own!, made]
    const expected: string[] = []
    for (const bytes of inputs) {
      writeFileSync(path, bytes)
      const { images, files } = await readImageZip(path)
      expected.push(`${files}:${images.data}`)
    }
    return async (rng, keep) => {
      const which = rng.integer(inputs.length)
      const bytes = damaged(inputs[which]!, rng)
      keep('x.zip', bytes)
      writeFileSync(path, bytes)
      const { images, files } = await readImageZip(path, MOST)
      if (`${files}:${images.data}` !== expected[which]) throw new Wrong('other images than were written')
      return 'ok'
    }
  },
}

export const images: readonly Target[] = [png, pngDeep, jpeg, zip]

function imageFile(folder: string, name: string): [string, string] {
  const place = join(folder, name.replace('.', '-'))
  mkdirSync(place, { recursive: true })
  return [place, join(place, name)]
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, head.length), head) === 0
}

/** The chunks of a PNG with one of them damaged, or its pixels, and every checksum made right again. */
function repacked(png: Uint8Array, rng: Random): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset)
  const chunks: { type: string; body: Uint8Array }[] = []
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    const body = png.slice(at + 8, at + 8 + view.getUint32(at))
    chunks.push({ type: String.fromCharCode(...png.subarray(at + 4, at + 8)), body })
  }
  const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body))
  const others = chunks.filter(({ type }) => type !== 'IDAT')
  const pixels = rng.integer(2) === 0
  const packed = pixels
    ? deflateSync(damaged(inflateSync(data), rng))
    : rng.integer(4) === 0
      ? damaged(data, rng)
      : data
  const target = pick(rng, others)
  if (!pixels) target.body = damaged(target.body, rng)
  if (rng.integer(10) === 0) others.splice(rng.integer(others.length), 1)
  const end = others.findIndex(({ type }) => type === 'IEND')
  others.splice(end < 0 ? others.length : end, 0, { type: 'IDAT', body: packed })
  return new Uint8Array(Buffer.concat([png.subarray(0, 8), ...others.map(({ type, body }) => chunk(type, body))]))
}

function chunk(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type, 'latin1'), body, Buffer.alloc(4)])
  bytes.writeUInt32BE(body.length, 0)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
  return bytes
}
