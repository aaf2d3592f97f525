// The checkpoint a model is opened from, with a line of what its folder should be when it is none.
import { OodError } from '@ood/core'
import { type Checkpoint, openCheckpoint } from '../checkpoint.ts'

/**
 * Opens a checkpoint folder, or takes an opened one. A folder without a manifest is told what is `expected` of it.
 *
 * @throws OodError as `openCheckpoint`
 * @example
 * const { manifest } = await openModelFolder(source, 'a flow folder: manifest.json, encode.onnx and decode.onnx')
 */
export async function openModelFolder(source: string | Checkpoint, expected: string): Promise<Checkpoint> {
  if (typeof source !== 'string') return source
  try {
    return await openCheckpoint(source)
  } catch (cause) {
    if (!(cause instanceof OodError && cause.code === 'E_FILE' && cause.message.includes('manifest.json'))) throw cause
    throw new OodError('E_FILE', `${source}: expected ${expected}; ${cause.message}`, { cause })
  }
}
