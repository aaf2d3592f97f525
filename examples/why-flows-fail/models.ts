// The models of the report: which checkpoints it wants, and which of them are there.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointPath, listCheckpoints } from '@ood/zoo'

/** Flows of Fashion-MNIST images, and what the report calls them. */
export const pixelFlows = {
  pixels: { checkpoint: 'realnvp-fmnist', title: 'RealNVP' },
  glow: { checkpoint: 'glow-fmnist', title: 'Glow' },
  checkerboard: { checkpoint: 'realnvp-fmnist-checkerboard', title: 'checkerboard masks' },
  horizontal: { checkpoint: 'realnvp-fmnist-horizontal', title: 'horizontal masks' },
  cycle: { checkpoint: 'realnvp-fmnist-cycle', title: 'cycle masks' },
  bottleneck: { checkpoint: 'realnvp-fmnist-bottleneck', title: 'with bottleneck' },
  negative: { checkpoint: 'realnvp-fmnist-negative', title: 'trained against MNIST' },
} as const
export type FlowName = keyof typeof pixelFlows
export const flowNames = Object.keys(pixelFlows) as FlowName[]

/** The classifier, and the flow of its features. */
export const featureModels = ['classifier-fmnist', 'realnvp-fmnist-features'] as const

/** Flows of one class of a table, tried on the other. */
export const tableFlows = { benign: 'realnvp-breast-cancer-benign', malignant: 'realnvp-breast-cancer-malignant' }
export const tableNames = ['benign', 'malignant'] as const
export type TableName = (typeof tableNames)[number]

/** Folder of a checkpoint, the user's before the shipped one; without either its name is added to `missing`. */
export function findCheckpoint(name: string, folder: string | undefined, missing: string[]): string | undefined {
  const own = folder === undefined ? undefined : join(folder, name)
  if (own !== undefined && existsSync(join(own, 'manifest.json'))) return own
  if (listCheckpoints().includes(name)) return checkpointPath(name)
  if (!missing.includes(name)) missing.push(name)
  return undefined
}
