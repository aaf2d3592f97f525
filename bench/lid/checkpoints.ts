// Which weights a result is of: a short hash of a shipped checkpoint, from the hashes its manifest lists.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@ood/core/node'
import { checkpointPath, listCheckpoints } from '@ood/zoo'

/** Twelve hex digits of the graphs of a shipped checkpoint; undefined where none is shipped under that name. */
export function modelId(name: string): string | undefined {
  if (!listCheckpoints().includes(name)) return undefined
  const manifest: unknown = JSON.parse(readFileSync(join(checkpointPath(name), 'manifest.json'), 'utf8'))
  const hashes = (manifest as { sha256: Record<string, string> }).sha256
  const text = JSON.stringify(Object.entries(hashes).sort())
  return sha256(text).slice(0, 12)
}
