// The graph and manifest of a classifier: a checkpoint folder, or any .onnx file, for which a manifest is made up.
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { readBounded, sha256 } from '@ood/core/node'
import type { Model } from '@ood/onnx'
import { openModel } from '@ood/onnx/node'
import { type Checkpoint, type Manifest, openCheckpoint, SCHEMA_VERSION } from '@ood/runtime'

/** Where a classifier comes from. */
export interface Source {
  what: string
  model: Model
  /** Of the folder; of a file one that says what the graph says. */
  manifest: Manifest
  /** Whether somebody wrote the manifest. */
  described: boolean
}

const FOLDER = 'a classifier: an .onnx file, or a folder with manifest.json and a graph logits: x -> logits'

/** Reads a folder, a file or an opened checkpoint. */
export async function readSource(source: string | Checkpoint): Promise<Source> {
  if (typeof source !== 'string') return ofCheckpoint(source)
  const info = statSync(source, { throwIfNoEntry: false })
  if (!info) throw mismatch('E_FILE', source, FOLDER, 'nothing there')
  if (info.isDirectory()) return ofCheckpoint(await openFolder(source))
  const bytes = await readBounded(source, 2 ** 31)
  // Weights beside the file are brought in when they are used.
  const model = openModel(source)
  const name = basename(source).replace(/\.onnx$/i, '')
  return {
    what: source,
    model,
    described: false,
    manifest: {
      schemaVersion: SCHEMA_VERSION,
      name,
      kind: 'classifier',
      graphs: { logits: { file: basename(source), inputs: {}, outputs: {} } },
      data: { dataset: 'unknown', shape: [1], valueRange: [0, 255] },
      preprocessing: [],
      sha256: { [basename(source)]: sha256(bytes) },
    },
  }
}

async function openFolder(folder: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(folder)
  } catch (cause) {
    if (!(cause instanceof OodError && cause.code === 'E_FILE' && cause.message.includes('manifest.json'))) throw cause
    throw new OodError('E_FILE', `${folder}: expected ${FOLDER}; ${cause.message}`, { cause })
  }
}

async function ofCheckpoint(checkpoint: Checkpoint): Promise<Source> {
  const { manifest, folder } = checkpoint
  if (manifest.kind !== 'classifier') throw mismatch('E_MANIFEST', `${folder} kind`, 'classifier', manifest.kind)
  // Read once to compare hashes, and once more with weights that may lie beside the graph.
  await checkpoint.graph('logits')
  const model = openModel(join(folder, manifest.graphs.logits!.file))
  return { what: folder, model, manifest, described: true }
}
