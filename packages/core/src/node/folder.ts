// Folders made with all their parents, one by one: the system's own way never ends where a parent takes no folders.
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { mismatch } from '../errors.ts'
import { fileError } from './errors.ts'

const EXPECTED = 'a folder that can be made'

/**
 * Makes a folder and those above it; one that is there already is fine.
 *
 * Node's `recursive: true` tries for ever in file systems whose folders take no new names, such as /proc.
 *
 * @throws OodError `E_FILE` naming the folder that could not be made
 */
export async function makeFolder(path: string): Promise<void> {
  const cause = await mkdir(path).catch((error: unknown) => error)
  if (cause === undefined) return
  if (codeOf(cause) === 'EEXIST') {
    assertFolder(path, (await stat(path).catch(() => undefined))?.isDirectory())
    return
  }
  const parent = dirname(path)
  if (codeOf(cause) !== 'ENOENT' || parent === path) throw fileError(path, EXPECTED, cause)
  await makeFolder(parent)
  const again = await mkdir(path).catch((error: unknown) => error)
  if (again !== undefined && codeOf(again) !== 'EEXIST') throw refused(path, parent, again)
}

/** As `makeFolder`, while the thread waits. */
export function makeFolderSync(path: string): void {
  const cause = attempt(path)
  if (cause === undefined) return
  if (codeOf(cause) === 'EEXIST') {
    assertFolder(path, statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return
  }
  const parent = dirname(path)
  if (codeOf(cause) !== 'ENOENT' || parent === path) throw fileError(path, EXPECTED, cause)
  makeFolderSync(parent)
  const again = attempt(path)
  if (again !== undefined && codeOf(again) !== 'EEXIST') throw refused(path, parent, again)
}

function attempt(path: string): unknown {
  try {
    mkdirSync(path)
    return undefined
  } catch (error) {
    return error
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function assertFolder(path: string, isFolder: boolean | undefined): void {
  if (!isFolder) throw mismatch('E_FILE', path, 'a folder', 'a file')
}

/** The parent is there and still refuses the name. */
function refused(path: string, parent: string, cause: unknown): Error {
  return codeOf(cause) === 'ENOENT'
    ? mismatch('E_FILE', path, EXPECTED, `${parent}, which takes no new folders`)
    : fileError(path, EXPECTED, cause)
}
