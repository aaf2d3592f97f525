// Finds the checkpoint a command means: a folder, or the name of a shipped one.
import { existsSync } from 'node:fs'
import { OodError } from '@ood/core'

/**
 * Kind of the model in a checkpoint folder or of a shipped one: `flow`, `diffusion`, `autoregressive`, `sequence` ...; an
 * `.onnx` file is a classifier.
 *
 * @throws OodError `E_UNKNOWN_NAME`, `E_FILE`, `E_MANIFEST`
 */
export async function modelKind(source: string): Promise<string> {
  const { openCheckpoint } = await import('@ood/runtime')
  if (/\.onnx$/i.test(source)) return 'classifier'
  return (await openCheckpoint(await checkpointFolder(source))).manifest.kind
}

/**
 * Folder of the checkpoint `source`.
 *
 * @throws OodError `E_UNKNOWN_NAME` when it is neither a folder nor a shipped name
 */
export async function checkpointFolder(source: string): Promise<string> {
  if (existsSync(source)) return source
  const { checkpointPath, listCheckpoints } = await import('@ood/zoo')
  const names = listCheckpoints()
  if (names.includes(source)) return checkpointPath(source)
  const shipped = names.length > 0 ? ` or one of ${names.join(', ')}` : ''
  throw new OodError('E_UNKNOWN_NAME', `model: expected a checkpoint folder${shipped}, got ${source}`)
}
