// NumPy's .npz: a zip of .npy files, stored or deflated.

import { fileError, writeFileAtomic } from '@ood/core/node'
import { zipSync } from 'fflate'
import { DEFAULT_MAX_BYTES } from '../internal/bounds.ts'
import { unzipEntries } from '../internal/zip.ts'
import { decodeNpy, encodeNpy, type ReadNpyOptions } from './npy.ts'
import type { RawArray } from './raw-array.ts'

/**
 * Reads the arrays of a `.npz` file by name (without `.npy`), only those in `names` when given; the others are not
 * read. Sizes and CRC-32 of what is read are compared with the archive's.
 *
 * Memory: the arrays and the largest of them once more, packed.
 *
 * @throws OodError `E_FILE` naming the file and entry: missing, not a zip, damaged, larger than `maxBytes` unpacked
 * @example
 * const { images, labels } = await readNpz('split.npz', ['images', 'labels'])
 */
export async function readNpz<Name extends string = string>(
  path: string,
  names?: readonly Name[],
  options: ReadNpyOptions = {},
): Promise<Record<Name, RawArray>> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
  const wanted = (name: string): boolean =>
    name.endsWith('.npy') && (!names || (names as readonly string[]).includes(name.slice(0, -4)))
  const entries = await unzipEntries(path, maxBytes, wanted)
  const arrays = Object.fromEntries(
    entries.map(({ name, bytes }) => [name.slice(0, -4), decodeNpy(bytes, `${path} entry ${name}`)]),
  )
  for (const name of names ?? []) {
    if (!Object.hasOwn(arrays, name)) throw fileError(path, `an array ${name}`, 'none of that name')
  }
  return arrays as Record<Name, RawArray>
}

/** Writes arrays as a deflated `.npz`; it appears whole or not at all. */
export async function writeNpz(path: string, arrays: Readonly<Record<string, RawArray>>): Promise<void> {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)]))
  // A fixed date makes equal arrays equal files.
  await writeFileAtomic(path, [zipSync(files, { mtime: new Date(1980, 0, 1) })])
}
