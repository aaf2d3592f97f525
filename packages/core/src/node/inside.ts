// Names of files that came from elsewhere: never absolute, never a way out of their folder.
import { realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { mismatch, type OodErrorCode } from '../errors.ts'
import { fileError } from './errors.ts'

/** Where a name may lead, and how a refusal reads. */
export interface InsideOptions {
  /** Folder that the result must lie in (default: the one the name is relative to). */
  root?: string | undefined
  /** Code of the error for a name that is refused (default `E_FILE`). */
  code?: OodErrorCode | undefined
}

/**
 * The real path of `name` in `folder`, links followed. Refused are absolute names, other drives, NUL, backslashes, and
 * whatever leads out of `root`. Without a `root` of its own, `..` is refused as well.
 *
 * @param what - what an error line begins with: the file and field that hold the name
 * @throws OodError `E_FILE` for a file that is not there; `options.code` for a name that is refused
 * @example
 * const path = await insideFolder(folder, manifest.graphs.encode.file, `${folder}/manifest.json graphs.encode.file`)
 */
export async function insideFolder(
  folder: string,
  name: string,
  what: string,
  options: InsideOptions = {},
): Promise<string> {
  const { root = folder, code = 'E_FILE' } = options
  const outright = name === '' || /[\0\\]/.test(name) || isAbsolute(name) || /^[a-z]:/i.test(name)
  if (outright || (options.root === undefined && name.split('/').includes('..')))
    throw mismatch(code, what, 'a file name inside the folder', name)
  try {
    const top = await realpath(root)
    // From the real folder on: `..` of a linked folder is its target's parent, as for the system.
    const real = await realpath(join(await realpath(folder), name))
    if (real !== top && !real.startsWith(top.endsWith(sep) ? top : top + sep))
      throw mismatch(code, what, `a file name inside ${options.root ?? 'the folder'}`, `${name}, which leads out of it`)
    return real
  } catch (cause) {
    throw fileError(join(folder, name), 'a readable file', cause)
  }
}
