// IDX files, the format of MNIST, plain or gzipped: reading as a stream, and writing.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { mismatch } from '@ood/core'
import { fileError, writeFileAtomic } from '@ood/core/node'
import { openStream } from '../internal/files.ts'
import { Body, checkClaim, encodeIdx, parseHeader, type ReadIdxOptions } from './idx-format.ts'
import type { RawArray } from './raw-array.ts'

/**
 * Reads an IDX file, gzipped or not (told by its first bytes, not its name).
 *
 * The file is streamed: memory is that of the rows kept. The header is checked against the bytes there are before
 * anything is allocated, so a file that claims 10^12 items fails at once.
 *
 * @throws OodError `E_FILE` naming the file: missing, not IDX, truncated, too long; `E_CHECKSUM` when `sha256` differs;
 *   `E_ARGUMENT` for rows the file does not have
 * @example
 * const { data, shape } = await readIdx('t10k-images-idx3-ubyte.gz', { rows: [0, 1, 2] }) // Uint8Array, [3, 28, 28]
 */
export async function readIdx(path: string, options: ReadIdxOptions = {}): Promise<RawArray> {
  const file = await openStream(path, options.signal)
  const hash = options.sha256 === undefined ? undefined : createHash('sha256')
  let head: Uint8Array = new Uint8Array(0)
  let body: Body | undefined
  for await (const chunk of file.chunks) {
    hash?.update(chunk)
    if (body) {
      body.push(chunk)
      continue
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const header = parseHeader(path, head)
    if (!header) continue
    checkClaim(path, header, file.size, file.gzip)
    body = new Body(path, header, options)
    body.push(head.subarray(header.length))
  }
  if (!body) throw fileError(path, 'an IDX header', `a file of ${head.length} bytes`)
  const array = body.finish()
  const digest = hash?.digest('hex')
  if (digest !== options.sha256) throw mismatch('E_CHECKSUM', path, `contents with SHA-256 ${options.sha256}`, digest)
  return array
}

/**
 * The sizes an IDX file claims, from its header alone.
 *
 * @throws OodError `E_FILE` naming the file when it is missing or not IDX
 */
export async function readIdxShape(path: string): Promise<number[]> {
  let head: Uint8Array = new Uint8Array(0)
  for await (const chunk of (await openStream(path)).chunks) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const header = parseHeader(path, head)
    if (header) return header.shape
  }
  throw fileError(path, 'an IDX header', `a file of ${head.length} bytes`)
}

/** Writes an IDX file, gzipped when the name ends in `.gz`; the file appears whole or not at all. */
export async function writeIdx(path: string, array: RawArray): Promise<void> {
  const bytes = encodeIdx(array)
  await writeFileAtomic(path, [path.endsWith('.gz') ? gzipSync(bytes, { level: 9 }) : bytes])
}
