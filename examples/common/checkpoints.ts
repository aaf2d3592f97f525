// Checkpoints by name, in a user's folder or among the shipped ones: which there are, and opened for their likelihood.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CallOptions, type LikelihoodModel, mismatch, type NdArray, OodError } from '@ood/core'
import { type Measurement, measurement } from '@ood/detect'
import { openModel } from '@ood/methods'
import type { Manifest } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { type Direction, directionsOf } from './splits.ts'

/** A likelihood model that came from a checkpoint. */
export interface OpenedLikelihood extends LikelihoodModel {
  readonly manifest: Manifest
  sample(n: number, options?: CallOptions): Promise<NdArray>
  release(): Promise<void>
}

/** The folder of a checkpoint: in `folder`, or of the shipped one. */
export function checkpointIn(folder: string | undefined, name: string): string {
  return folder === undefined ? checkpointPath(name) : join(folder, name)
}

/**
 * The directions that all checkpoints are there for, those of `model` with each of `endings`; `say` is told of the others.
 *
 * @throws OodError `E_ARGUMENT` when there are none
 */
export function availableDirections(
  model: string,
  folder: string | undefined,
  endings: readonly string[] = [''],
  say: (line: string) => void = () => {},
): Direction[] {
  const shipped = folder === undefined ? listCheckpoints() : []
  const isThere = (name: string) =>
    folder === undefined ? shipped.includes(name) : existsSync(join(folder, name, 'manifest.json'))
  const where = folder ?? 'the shipped checkpoints'
  const missing = directionsOf(model).map((direction) => ({
    direction,
    name: endings.map((ending) => `${direction.checkpoint}${ending}`).find((name) => !isThere(name)),
  }))
  const found = missing.filter(({ name }) => name === undefined)
  if (found.length === 0) {
    const names = missing.map(({ name }) => name).join(' or ')
    throw new OodError('E_ARGUMENT', `--model ${model}: expected a checkpoint ${names} in ${where}, got neither`)
  }
  for (const { direction, name } of missing)
    if (name !== undefined) say(`${direction.key} left out: no checkpoint ${name} in ${where}\n`)
  return found.map(({ direction }) => direction)
}

/** Opens a flow or a PixelCNN++. Whoever opens releases. */
export async function openLikelihood(folder: string, workers: number | undefined): Promise<OpenedLikelihood> {
  const opened = await openModel(folder, { workers })
  const { kind } = opened.manifest
  if (kind === 'autoregressive' || kind === 'flow') return opened.model as OpenedLikelihood
  await opened.release()
  throw mismatch('E_MANIFEST', `${folder} kind`, 'autoregressive or flow', kind)
}

/** log p alone as a measurement: terms of pixels, which a model may give as well, would fill the run folder. */
export function instanceOf(model: LikelihoodModel): Measurement {
  return measurement('instance', [model], {}, ['logProb'], async (x: NdArray, call) => ({
    logProb: (await model.logProb(x, call)).instance,
  }))
}
