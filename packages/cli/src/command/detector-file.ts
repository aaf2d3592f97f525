// What `ood fit --method` writes and `ood score --detector` reads: a stored detector with the registry's name of its method.
import { readFileSync } from 'node:fs'
import { OodError } from '@ood/core'
import { parseStored, type StoredDetector } from '@ood/detect'

/** A stored detector of any method of the registry. */
export interface DetectorFile extends StoredDetector {
  /** Name in the registry (`ood methods`). */
  registryName: string
}

/** The detector file at `path`, or undefined when it is one of the likelihood + LID detector, which has its own form. */
export function readDetectorFile(path: string): DetectorFile | undefined {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const reason = (cause as Error).message.split(/[,\n]/)[0]
    throw new OodError('E_FILE', `${path}: expected a detector that ood fit wrote, got ${reason}`, { cause })
  }
  const { registryName } = (value ?? {}) as { registryName?: unknown }
  if (registryName === undefined) return undefined
  if (typeof registryName !== 'string')
    throw new OodError('E_FILE', `${path} registryName: expected text, got ${typeof registryName}`)
  try {
    return { ...parseStored(value), registryName }
  } catch (cause) {
    throw cause instanceof OodError ? new OodError(cause.code, `${path}: ${cause.message}`, { cause }) : cause
  }
}
