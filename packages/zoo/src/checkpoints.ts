// The checkpoints shipped with this package, by name.
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { unknownName } from '@ood/core'

/** `checkpoints/` at the package root, one level above both `src` and `dist`. */
const root: URL = new URL('../checkpoints/', import.meta.url)

/**
 * Names of the shipped checkpoints, sorted: every folder of `checkpoints/` that holds a `manifest.json`.
 *
 * @example
 * listCheckpoints() // ['diffusion-lollipop', ..., 'flow-fmnist', 'flow-lollipop', ...]
 */
export function listCheckpoints(): string[] {
  if (!existsSync(root)) return []
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/manifest.json`, root)))
    .map((entry) => entry.name)
    .sort()
}

/**
 * Folder of the shipped checkpoint `name`, for `openFlow` and `openCheckpoint`.
 *
 * @throws OodError `E_UNKNOWN_NAME` listing the names there are
 * @example
 * const flow = await openFlow(checkpointPath('flow-fmnist'))
 */
export function checkpointPath(name: string): string {
  const names = listCheckpoints()
  if (!names.includes(name)) throw unknownName('checkpoint', name, names)
  return fileURLToPath(new URL(name, root))
}
