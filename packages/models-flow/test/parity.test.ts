// Freshly trained and exported flows against PyTorch: `python -m ood_training.parity DIR`, then OOD_PARITY_DIR=DIR.
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeGolden, hasGolden } from './golden.ts'

const root = process.env.OOD_PARITY_DIR
const folders = root ? readdirSync(resolve(root)).filter((name) => hasGolden(resolve(root, name))) : []

describe('parity with the training code', () => {
  it.skipIf(!root)('OOD_PARITY_DIR holds checkpoints with golden.json (skipped when it is not set)', () => {
    expect(folders.length).toBeGreaterThan(0)
  })
})

// 1e-4 relative is what the project promises between PyTorch and TypeScript scores.
for (const name of folders) describeGolden(name, join(resolve(root!), name), 1e-4)
