// Golden vectors of the specification, read when their folder lies beside the repository.
import { readFileSync } from 'node:fs'
import { sharedPath } from '../../../../tools/shared.ts'

/** The parsed vector file, or undefined when it is absent. */
export function vector<T>(...name: [folder: string, file: string]): T | undefined {
  const path = sharedPath('vectors', name[0], `${name[1]}.json`)
  return path ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined
}

/** Test title that says why a test is skipped. */
export function titled(title: string, present: unknown): string {
  return present ? title : `${title} (skipped: golden vectors absent)`
}
