// Reads the shape of a flow off its manifest and says exactly what does not fit.
import { mismatch } from '@ood/core'
import type { GraphEntry, Manifest } from '@ood/runtime'

/** Sizes of a flow. */
export interface FlowShape {
  /** One raw row. */
  dataShape: readonly number[]
  /** One row as the graphs see it; differs from `dataShape` when preprocessing flattens. */
  modelShape: readonly number[]
  /** Numbers in a row, D. */
  dimension: number
}

/**
 * Checks that a manifest describes a flow this package can run: kind `flow`, base `standard-normal` (or none given),
 * flat latents [N, D], and as many latents as data dimensions.
 *
 * @throws OodError `E_MANIFEST` naming the folder and field
 */
export function flowShape(manifest: Manifest, folder: string): FlowShape {
  if (manifest.kind !== 'flow') throw mismatch('E_MANIFEST', `${folder} kind`, 'flow', manifest.kind)
  const base = manifest.base ?? 'standard-normal'
  if (base !== 'standard-normal') throw mismatch('E_MANIFEST', `${folder} base`, 'standard-normal', base)
  const dataShape = manifest.data.shape
  const dimension = product(dataShape)
  const modelShape = rowShape(manifest.graphs.encode!, 'inputs', 'x', `${folder} graphs.encode`)
  const back = rowShape(manifest.graphs.decode!, 'outputs', 'x', `${folder} graphs.decode`, modelShape)
  if (product(modelShape) !== dimension)
    throw mismatch('E_MANIFEST', `${folder} graphs.encode.inputs.x`, `rows of ${dimension} numbers`, modelShape)
  if (back.join() !== modelShape.join())
    throw mismatch('E_MANIFEST', `${folder} graphs.decode.outputs.x`, `rows of shape [${modelShape}]`, back)
  for (const [role, side] of [
    ['encode', 'outputs'],
    ['decode', 'inputs'],
  ] as const) {
    const z = rowShape(manifest.graphs[role]!, side, 'z', `${folder} graphs.${role}`, [dimension])
    if (z.length !== 1 || z[0] !== dimension)
      throw mismatch('E_MANIFEST', `${folder} graphs.${role}.${side}.z`, `shape [N, ${dimension}]`, ['N', ...z])
  }
  const latent = manifest.latentShape ?? [dimension]
  if (latent.length !== 1 || latent[0] !== dimension)
    throw mismatch('E_MANIFEST', `${folder} latentShape`, `[${dimension}]`, latent)
  return { dataShape, modelShape, dimension }
}

/** Shape of one row of a port; sizes the graph leaves open are taken from `fallback`. */
function rowShape(
  graph: GraphEntry,
  side: 'inputs' | 'outputs',
  name: string,
  what: string,
  fallback?: readonly number[],
): number[] {
  return graph[side][name]!.slice(1).map((size, axis) => {
    if (typeof size === 'number') return size
    const known = fallback?.[axis]
    if (known === undefined)
      throw mismatch('E_MANIFEST', `${what}.${side}.${name}`, 'fixed sizes after the batch', size)
    return known
  })
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1)
}
