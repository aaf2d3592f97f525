// What `ood fit --method` writes and `ood score --detector` reads: a stored detector with the registry's name of its method.
import { readFileSync, statSync } from 'node:fs'
import { OodError } from '@ood/core'
import { parseStored, type StoredDetector } from '@ood/detect'

/** A stored detector of any method of the registry. */
export interface DetectorFile extends StoredDetector {
  /** Name in the registry (`ood methods`). */
  registryName: string
}

/** A stored detector and where it was read. */
export interface ReadDetectorFile extends DetectorFile {
  path: string
}

/** The detector file at `path`, or undefined when it is one of the likelihood + LID detector, which has its own form. */
export function readDetectorFile(path: string): ReadDetectorFile | undefined {
  let value: unknown
  try {
    // Reading a pipe would wait for ever.
    if (!statSync(path).isFile()) throw new Error('a folder or special file')
    value = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null) throw new Error('other contents')
  } catch (cause) {
    const reason = (cause as Error).message.split(/[,\n]/)[0]
    throw new OodError('E_FILE', `${path}: expected a detector that ood fit wrote, got ${reason}`, { cause })
  }
  const { registryName } = value as { registryName?: unknown }
  if (registryName === undefined) return undefined
  if (typeof registryName !== 'string')
    throw new OodError('E_FILE', `${path} registryName: expected text, got ${typeof registryName}`)
  return { ...ofFile(path, () => parseStored(value)), registryName, path }
}

/** Does `work`; what it finds wrong with the file's fields is said with the file's name. */
export function ofFile<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw cause instanceof OodError && cause.code === 'E_FILE'
      ? new OodError(cause.code, `${path}: ${cause.message}`, { cause })
      : cause
  }
}
