// Writes the manifest of a checkpoint folder for graphs that somebody else exported.
import { join } from 'node:path'
import { insideFolder, readBounded, sha256, writeFileAtomic } from '@ood/core/node'
import { graphPorts } from './internal/graph-ports.ts'
import { type GraphEntry, type Manifest, SCHEMA_VERSION } from './manifest.ts'
import { parseManifest } from './parse-manifest.ts'

/** A manifest without what can be read off the graph files: hashes, input and output shapes, the schema version. */
export interface ManifestDescription
  extends Pick<Manifest, 'name' | 'kind' | 'data' | 'preprocessing' | 'latentShape' | 'training' | 'metrics'> {
  /** File name of each graph by role: `{ encode: 'encode.onnx', decode: 'decode.onnx' }`. */
  graphs: Record<string, string>
  [extra: string]: unknown
}

const MAX_GRAPH_BYTES = 2 ** 31

/**
 * Writes `manifest.json` into a folder that holds ONNX graphs, so that `openCheckpoint` accepts it. Input and output
 * names and shapes are read off the graphs, hashes are computed, and the result is validated before it is written.
 * An existing manifest is replaced in one step.
 *
 * @param folder - the folder with the `.onnx` files
 * @returns the manifest as written
 * @throws OodError `E_FILE` for a missing graph, `E_MANIFEST` for a wrong field or a graph without the names its role
 * needs (a flow: `encode: x -> z, logdet` and `decode: z -> x`)
 * @example
 * await writeManifest('my-flow', {
 *   name: 'my-flow',
 *   kind: 'flow',
 *   graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
 *   data: { dataset: 'fashion-mnist', shape: [1, 28, 28], valueRange: [0, 255] },
 *   preprocessing: [{ name: 'dequantize', levels: 256 }, { name: 'logit', alpha: 0.05, eps: 1e-6 }],
 *   latentShape: [784],
 * })
 */
export async function writeManifest(folder: string, description: ManifestDescription): Promise<Manifest> {
  const file = join(folder, 'manifest.json')
  const graphs: Record<string, GraphEntry> = {}
  const hashes: Record<string, string> = {}
  for (const [role, name] of Object.entries(description.graphs)) {
    const path = await insideFolder(folder, name, `${file} graphs.${role}.file`, {
      code: 'E_MANIFEST',
    })
    const bytes = await readBounded(path, MAX_GRAPH_BYTES)
    graphs[role] = { file: name, ...graphPorts(bytes, path) }
    hashes[name] = sha256(bytes)
  }
  const manifest = parseManifest({ schemaVersion: SCHEMA_VERSION, ...description, graphs, sha256: hashes }, file)
  await writeFileAtomic(file, `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}
