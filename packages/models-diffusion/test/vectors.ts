// Golden vectors beside the repository, when they are there.
import { readFileSync } from 'node:fs'
import { sharedPath } from '../../../tools/shared.ts'

/** Parsed `vectors/dgm/<name>.json`, or `undefined` when the folder is absent. */
export function vectors<T>(name: string): T | undefined {
  const path = sharedPath('vectors', 'dgm', `${name}.json`)
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as T)
}

/** Suffix of a test name that explains a skip. */
export const absent = '(skipped: golden vectors are not beside the repository)'
