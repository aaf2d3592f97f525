// Every failure of the disk inside a run folder as one error that names the folder.
import { fileError, isSystemError } from '@ood/core/node'

/**
 * Does `work` on the run folder; a full disk, a read-only or vanished folder become `E_FILE` naming it.
 *
 * What was finished before stays: the same run goes on when there is space again.
 */
export function onDisk<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw isSystemError(cause) ? fileError(folder, 'a folder that can be written to', cause) : cause
  }
}
