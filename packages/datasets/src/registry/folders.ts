// Where data sets live on this machine: the folder a user names, and the cache.
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** The data folder: the option, else `OOD_DATA_DIR`, else none. */
export function dataFolder(option: string | undefined): string | undefined {
  const folder = option ?? process.env.OOD_DATA_DIR
  return folder ? resolve(folder) : undefined
}

/**
 * The cache folder: the option, else `OOD_CACHE_DIR`, else `ood` in `XDG_CACHE_HOME` (which must be absolute by that
 * specification, and is ignored otherwise), else `~/.cache/ood`.
 */
export function cacheFolder(option?: string): string {
  const named = option || process.env.OOD_CACHE_DIR
  if (named) return resolve(named)
  const xdg = process.env.XDG_CACHE_HOME
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'ood')
}
