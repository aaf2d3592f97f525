// Finds the optional folder of real data beside the repository, for tests that use it when present.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Path of `../shared/<parts>` when it exists, else `undefined`: tests then skip and say so in their name. */
export function sharedPath(...parts: string[]): string | undefined {
  const path = fileURLToPath(new URL(['../../shared', ...parts].join('/'), import.meta.url))
  return existsSync(path) ? path : undefined
}
