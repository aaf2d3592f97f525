// The files of a model folder: which they are, and copies of them.
import { constants } from 'node:fs'
import { copyFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { fileError, flush, makeFolder } from '@ood/core/node'

/** A model folder holds a handful of files; more is some other folder. */
const MAX_FILES = 1000
const MAX_DEPTH = 8

/**
 * Regular files below a folder by relative name with `/`, in order. Links and special files are refused: a copy of
 * them would not be what was hashed.
 */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  const walk = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause: unknown) => {
      throw fileError(join(folder, below), 'a readable folder', cause)
    })
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && depth < MAX_DEPTH) await walk(name, depth + 1)
      else if (entry.isFile()) found.push(name)
      else throw mismatch('E_FILE', join(folder, name), 'a regular file of a model folder', kindOf(entry))
      if (found.length > MAX_FILES)
        throw mismatch('E_FILE', folder, `a model folder of at most ${MAX_FILES} files`, 'more')
    }
  }
  await walk('', 0)
  if (found.length === 0) throw new OodError('E_FILE', `${folder}: expected a model folder, got one without files`)
  return found.sort()
}

function kindOf(entry: { isSymbolicLink(): boolean; isDirectory(): boolean }): string {
  return entry.isSymbolicLink() ? 'a link' : entry.isDirectory() ? 'folders too deep' : 'a special file'
}

/** Copies files of a folder (shared blocks where the file system can) and flushes them to disk. */
export async function copyFiles(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const target = join(to, name)
    try {
      await makeFolder(dirname(target))
      await copyFile(join(from, name), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    } catch (cause) {
      throw fileError(target, 'a copied file', cause)
    }
    await flush(target)
  }
}
