// Finds a data set's file on this machine or downloads it.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { contentSha256 } from '../internal/files.ts'
import type { ZipEntry } from '../internal/zip.ts'
import { readImageEntries } from '../readers/image-zip.ts'
import { download } from './download.ts'
import { cacheFolder, dataFolder } from './folders.ts'
import type { LoadOptions } from './options.ts'
import type { DataFile, Source } from './sources.ts'

/** Path of a data set's file: in the data folder, in the cache, or freshly downloaded to the cache. */
export async function locate(name: string, source: Source, file: DataFile, options: LoadOptions): Promise<string> {
  const data = dataFolder(options.dataDir)
  const cache = join(cacheFolder(options.cacheDir), 'datasets')
  for (const path of [...(data ? candidates(data, source, file) : []), ...candidates(cache, source, file)]) {
    if (await isFile(path)) return path
  }
  const target = join(cache, source.folders[0]!, file.file)
  const where = `${data ? `${join(data, source.folders[0]!)} or ` : ''}${join(cache, source.folders[0]!)}`
  if (options.offline ?? isSet(process.env.OOD_OFFLINE)) {
    throw mismatch('E_FILE', `${name} ${file.file}`, `the file in ${where}`, 'nothing there, and downloads are off')
  }
  const bases = options.mirrors ?? source.urls
  const urls = bases.map((base) => new URL(file.file, base.endsWith('/') ? base : `${base}/`).href)
  try {
    await download(urls, target, {
      maxBytes: file.maxBytes,
      verify: (path) => verify(path, file, options.signal),
      signal: options.signal,
      onProgress: options.onProgress,
    })
  } catch (error) {
    if (!(error instanceof OodError) || error.code !== 'E_NETWORK') throw error
    const help = `no such file in ${where} (set OOD_DATA_DIR to a folder that holds ${source.folders[0]}/)`
    throw new OodError('E_NETWORK', `${name} ${error.message}, and ${help}`, { cause: error })
  }
  return target
}

/** Throws `E_CHECKSUM` unless a file's contents are the official ones. */
async function verify(path: string, file: DataFile, signal: AbortSignal | undefined): Promise<void> {
  const isZip = file.file.endsWith('.zip')
  const digest = isZip
    ? entriesSha256(await readImageEntries(path, file.maxBytes))
    : await contentSha256(path, file.maxBytes, signal)
  if (digest !== file.sha256) {
    throw mismatch('E_CHECKSUM', `${file.file} as downloaded`, `contents with SHA-256 ${file.sha256}`, digest)
  }
}

/** SHA-256 (hex) over the names, sizes and bytes of a zip's entries, in the order given. */
export function entriesSha256(entries: readonly ZipEntry[]): string {
  const hash = createHash('sha256')
  for (const { name, bytes } of entries) hash.update(`${name}\0${bytes.length}\0`).update(bytes)
  return hash.digest('hex')
}

/** The places a file may have in a folder, gzipped or unpacked. */
function candidates(root: string, source: Source, file: DataFile): string[] {
  const names = file.file.endsWith('.gz') ? [file.file, file.file.slice(0, -3)] : [file.file]
  return source.folders.flatMap((folder) => names.map((name) => join(root, folder, name)))
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}

function isSet(flag: string | undefined): boolean {
  return flag !== undefined && flag !== '' && flag !== '0'
}
