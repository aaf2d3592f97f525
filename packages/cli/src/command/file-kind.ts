// What a file of images is, by its first bytes: its name may be anything.
import { statSync } from 'node:fs'
import { withFile } from '@ood/core/node'

/** Sources that images are read from. */
export type FileKind = 'folder' | 'image' | 'zip' | 'npy' | 'idx'

const SIGNATURES: readonly [FileKind, readonly number[]][] = [
  ['image', [0x89, 0x50, 0x4e, 0x47]],
  ['image', [0xff, 0xd8, 0xff]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
  ['npy', [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ['idx', [0x1f, 0x8b]],
]

/** Other things people point at, in words. */
const OTHERS: readonly [string, readonly number[]][] = [
  ['a GIF image', [0x47, 0x49, 0x46, 0x38]],
  ['a BMP image', [0x42, 0x4d]],
  ['a TIFF image', [0x49, 0x49, 0x2a, 0x00]],
  ['a TIFF image', [0x4d, 0x4d, 0x00, 0x2a]],
  ['a WebP image or other RIFF file', [0x52, 0x49, 0x46, 0x46]],
  ['a PDF file', [0x25, 0x50, 0x44, 0x46]],
  ['an HDF5 file', [0x89, 0x48, 0x44, 0x46]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
  ['a Python pickle', [0x80, 0x02]],
  ['a Python pickle', [0x80, 0x04]],
]

/** The kind of what is at `path`, or `undefined` for anything else. A name ending in .npy or .zip is taken at its word. */
export async function fileKind(path: string): Promise<FileKind | undefined> {
  if (statSync(path).isDirectory()) return 'folder'
  const head = await firstBytes(path)
  const known = SIGNATURES.find(([, bytes]) => begins(head, bytes))
  if (known) return known[0]
  // IDX has no signature but two zeros, an element type and a number of axes.
  if (head[0] === 0 && head[1] === 0 && head[2]! >= 8 && head[2]! <= 14 && head[3]! >= 1) return 'idx'
  return undefined
}

/** What a file is that is no source of images, for an error. */
export async function foundKind(path: string): Promise<string> {
  const head = await firstBytes(path)
  if (head.length === 0) return 'an empty file'
  const other = OTHERS.find(([, bytes]) => begins(head, bytes))
  if (other) return other[0]
  const text = head.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))
  return text ? 'a text file' : 'a file of another kind'
}

async function firstBytes(path: string): Promise<Uint8Array> {
  return await withFile(path, ({ size, read }) => read(0, Math.min(size, 16)))
}

function begins(head: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => head[i] === byte)
}
