// Checkpoint folders: `manifest.json` beside `*.onnx`, checked against each other before anything runs.
import { join } from 'node:path'
import { assertOptions, OodError } from '@ood/core'
import { insideFolder, readBounded, sha256 } from '@ood/core/node'
import { assertPorts, graphPorts } from './internal/graph-ports.ts'
import type { Manifest } from './manifest.ts'
import { parseManifest } from './parse-manifest.ts'

/** A checked checkpoint folder. */
export interface Checkpoint {
  readonly folder: string
  readonly manifest: Manifest
  /**
   * Bytes of the graph with this role. Read and hashed again on every call, so a checkpoint holds no graph in memory.
   *
   * @throws OodError `E_MANIFEST` for a role the manifest does not have, `E_FILE`, `E_CHECKSUM`
   */
  graph(role: string): Promise<Uint8Array>
}

/** Options of `openCheckpoint`. */
export interface CheckpointOptions {
  /** Largest graph file accepted, in bytes (default 2 GiB, the limit of the format). */
  maxGraphBytes?: number | undefined
}

/** A manifest is a page of JSON; anything of this size is some other file. */
const MAX_MANIFEST_BYTES = 2 ** 20
const MAX_GRAPH_BYTES = 2 ** 31

/**
 * Opens and checks a checkpoint folder: the manifest's fields; that every graph file lies inside the folder, has the
 * recorded SHA-256 and is an ONNX graph with the inputs and outputs the manifest names.
 *
 * Cost: reads every graph once (hashing about 1 GB/s).
 *
 * @param folder - the folder holding `manifest.json`
 * @throws OodError `E_FILE` missing or unreadable file, `E_MANIFEST` wrong field or a manifest that does not match its
 * graph, `E_CHECKSUM` altered file; the message names file, field, what was expected and what was found
 * @example
 * const checkpoint = await openCheckpoint('checkpoints/flow-fmnist')
 * checkpoint.manifest.data.shape // [1, 28, 28]
 * const bytes = await checkpoint.graph('decode')
 */
export async function openCheckpoint(folder: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  assertOptions('openCheckpoint', options, ['maxGraphBytes'])
  const maxBytes = options.maxGraphBytes ?? MAX_GRAPH_BYTES
  const file = join(folder, 'manifest.json')
  const manifest = parseManifest(parseJson(await readBounded(file, MAX_MANIFEST_BYTES), file), file)

  async function graph(role: string): Promise<Uint8Array> {
    const entry = Object.hasOwn(manifest.graphs, role) ? manifest.graphs[role] : undefined
    if (!entry) {
      const roles = Object.keys(manifest.graphs).join(', ')
      throw new OodError('E_MANIFEST', `${file} graphs: expected a graph ${role}, got ${roles}`)
    }
    const path = await insideFolder(folder, entry.file, `${file} graphs.${role}.file`, {
      code: 'E_MANIFEST',
    })
    const bytes = await readBounded(path, maxBytes)
    const hash = sha256(bytes)
    const expected = manifest.sha256[entry.file]!
    if (hash !== expected) throw new OodError('E_CHECKSUM', `${path}: expected sha256 ${expected}, got ${hash}`)
    return bytes
  }

  for (const [role, entry] of Object.entries(manifest.graphs)) {
    const ports = graphPorts(await graph(role), join(folder, entry.file))
    assertPorts(`${file} graphs.${role}`, entry, ports)
  }
  return { folder, manifest, graph }
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause)
    throw new OodError('E_MANIFEST', `${file}: expected JSON, got ${got.split('\n', 1)[0]}`, { cause })
  }
}
