// Hostile files against the clock and the memory of a process of their own: what a reader takes is in proportion to what
// was asked for, and nothing waits.
import { execFile, execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  loadGenomes,
  readCsv,
  readIdx,
  readImageFolder,
  readImageZip,
  readNpy,
  readNpz,
  writeNpz,
} from '../src/index.ts'
import { expectError, temporaryFolder } from './helpers.ts'

interface Outcome {
  error: string | null
  shape: number[]
  /** Seconds of reading, and how many megabytes the process grew by at most. */
  seconds: number
  grown: number
}

/** Reads the images of a folder in a new process. */
async function readApart(folder: string, options: object): Promise<Outcome> {
  const script = fileURLToPath(new URL('./support/read-apart.ts', import.meta.url))
  const args = ['--conditions=@ood/source', '--import', 'tsx', script, folder, JSON.stringify(options)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Outcome
}

const chunk = (type: string, body: Uint8Array): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)])
  bytes.writeUInt32BE(body.length, 0)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
  return bytes
}
function png(side: number, depth: number, colour: number, raw: Uint8Array, profile = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(side, 0)
  head.writeUInt32BE(side, 4)
  head.set([depth, colour], 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    ...(profile.length > 0 ? [chunk('iCCP', profile)] : []),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', new Uint8Array(0)),
  ])
}

describe('memory', () => {
  it('of a PNG of 4096 x 4096 in RGBA of 16 bits is that of its planes', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'x.png'), png(4096, 16, 6, Buffer.alloc(4096 * (1 + 4096 * 8))))
    const small = await readApart(folder, { mode: 'greyscale', size: [28, 28] })
    expect(small).toMatchObject({ error: null, shape: [1, 1, 28, 28] })
    // 17 MB of planes and 7 MB of resizing.
    expect(small.grown).toBeLessThan(120)
    const whole = await readApart(folder, {})
    expect(whole).toMatchObject({ error: null, shape: [1, 3, 4096, 4096] })
    // The batch is 201 MB, the planes 50.
    expect(whole.grown).toBeLessThan(400)
  })

  it('of a PNG with a colour profile of 400 MB is that of its pixel', async () => {
    const folder = await temporaryFolder()
    const profile = Buffer.concat([Buffer.from('icc\0\0'), deflateSync(Buffer.alloc(400_000_000))])
    await writeFile(join(folder, 'x.png'), png(1, 8, 0, new Uint8Array(2), profile))
    const { error, shape, grown, seconds } = await readApart(folder, {})
    expect([error, shape]).toEqual([null, [1, 3, 1, 1]])
    expect(grown).toBeLessThan(60)
    expect(seconds).toBeLessThan(2)
  })

  it('of a JPEG that claims more than its bytes can hold is not taken', async () => {
    const folder = await temporaryFolder()
    // A start of frame of 8000 x 8000 in three components, and nothing else.
    const frame = [0xff, 0xc2, 0, 17, 8, 0x1f, 0x40, 0x1f, 0x40, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
    await writeFile(join(folder, 'x.jpg'), Uint8Array.of(0xff, 0xd8, ...frame, 0xff, 0xd9))
    const { error, grown } = await readApart(folder, {})
    expect(error).toMatch(/x\.jpg: expected a whole JPEG, got 23 bytes for 8000 x 8000 pixels$/)
    expect(grown).toBeLessThan(40)
    frame[4] = 12
    frame.splice(5, 4, 0, 8, 0, 8)
    await writeFile(join(folder, 'x.jpg'), Uint8Array.of(0xff, 0xd8, ...frame, 0xff, 0xd9))
    await expectError(readImageFolder(folder), 'E_FILE', /x\.jpg: expected a JPEG of 8-bit samples, got 12 bits/)
    frame[4] = 8
    const scans = Array.from({ length: 501 }, () => [0xff, 0xda]).flat()
    await writeFile(join(folder, 'x.jpg'), Uint8Array.of(0xff, 0xd8, ...frame, ...scans, 0xff, 0xd9))
    await expectError(readImageFolder(folder), 'E_FILE', /x\.jpg: expected a JPEG of at most 500 scans, got 501/)
  })
})

describe.skipIf(process.platform === 'win32')('a pipe in place of a file', () => {
  const readers: [string, string, (path: string, folder: string) => Promise<unknown>][] = [
    ['readCsv', 'x.csv', (path) => readCsv(path)],
    ['readNpy', 'x.npy', (path) => readNpy(path)],
    ['readNpz', 'x.npz', (path) => readNpz(path)],
    ['readIdx', 'x-ubyte', (path) => readIdx(path)],
    ['readImageZip', 'x.zip', (path) => readImageZip(path)],
  ]
  it.each(readers)('is refused at once by %s', async (_what, name, read) => {
    const folder = await temporaryFolder()
    const path = join(folder, name)
    execFileSync('mkfifo', [path])
    await expectError(read(path, folder), 'E_FILE', /expected a file, got a special file/)
  })

  it('is no image of a folder, and a link to one is refused', async () => {
    const folder = await temporaryFolder()
    execFileSync('mkfifo', [join(folder, 'x.png')])
    await expectError(readImageFolder(folder), 'E_EMPTY', /expected PNG or JPEG images, got none/)
    await symlink('x.png', join(folder, 'y.png'))
    await expectError(readImageFolder(folder), 'E_FILE', /y\.png: expected a file, got a special file/)
  })

  it('is no file of the genomics data', async () => {
    const folder = await temporaryFolder()
    execFileSync('mkfifo', [join(folder, 'val_in.npz')])
    await expectError(loadGenomes({ split: 'val_in', dataDir: folder }), 'E_FILE', /got nothing there/)
    const named = join(folder, 'label_dict.json')
    execFileSync('mkfifo', [named])
    await writeNpz(join(folder, 'test_in.npz'), {
      x: { data: new Uint8Array(4), shape: [1, 4] },
      is_outlier: { data: new Uint8Array(1), shape: [1] },
      y: { data: new Uint8Array(1), shape: [1] },
    })
    await expectError(
      loadGenomes({ split: 'test_in', dataDir: folder }),
      'E_FILE',
      /label_dict\.json: expected a file, got/,
    )
  })
})
