// Model folders small enough to write down, and what opens them: stored detectors without an inference engine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LikelihoodModel, normals, random, tensor } from '@ood/core'
import { onTestFinished } from 'vitest'
import { type LikelihoodRatio, likelihoodRatio } from '../../src/index.ts'
import { gaussianModel } from './models.ts'

/** A temporary folder that goes when the test ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ood-llr-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a Gaussian as a folder of two files, one of them in a folder of its own. */
export function writeModel(folder: string, mean: number[], sd: number[]): string {
  mkdirSync(join(folder, 'graphs'), { recursive: true })
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ kind: 'gaussian', sd }))
  writeFileSync(join(folder, 'graphs', 'mean.bin'), new Uint8Array(Float64Array.from(mean).buffer))
  return folder
}

/** Opens what `writeModel` wrote. */
export function openGaussian(folder: string): LikelihoodModel & { released: number; release(): Promise<void> } {
  const { sd } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { sd: number[] }
  const bytes = readFileSync(join(folder, 'graphs', 'mean.bin'))
  const mean = [...new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))]
  const model = {
    ...gaussianModel({ mean, sd, noise: 0.1 }),
    released: 0,
    release: async () => {
      model.released++
    },
  }
  return model
}

/** Rows like those the detectors below are fitted on. */
export function sample(n: number, seed: number): ReturnType<typeof tensor> {
  return tensor(normals(random(seed), 2 * n), [n, 2])
}

/** A fitted detector and its two model folders below `folder`. `shift` tells detectors apart. */
export async function fittedRatio(
  folder: string,
  shift = 0,
): Promise<{ detector: LikelihoodRatio; models: { semantic: string; background: string } }> {
  const models = {
    semantic: writeModel(join(folder, `semantic-${shift}`), [0.1 + shift, 0.2], [1, 1.5]),
    background: writeModel(join(folder, `background-${shift}`), [0, 0], [2, 2]),
  }
  const detector = likelihoodRatio({
    semantic: openGaussian(models.semantic),
    background: openGaussian(models.background),
    dataType: 'tabular',
  })
  await detector.calibrate(sample(50, 1), { seed: 3 })
  await detector.inferThreshold(sample(60, 2), { percentile: 90 }, { seed: 3 })
  return { detector, models }
}
