// data/val_in.npz in the layout of the published genomes, with synthetic sequences.
import { mkdirSync, writeFileSync } from 'node:fs'
import { syntheticGenomes, writeNpz } from '@ood/datasets'

const { x } = syntheticGenomes({ split: 'val_in', n: 1000 })
mkdirSync('data', { recursive: true })
const labels = Int32Array.from({ length: 1000 }, (_, i) => i % 10)
await writeNpz('data/val_in.npz', {
  x: { data: Int32Array.from(x.data), shape: [1000, 250] },
  is_outlier: { data: new Uint8Array(1000), shape: [1000] },
  y: { data: labels, shape: [1000] },
})
const names = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [String(i), `species ${i}`]))
writeFileSync('data/label_dict.json', JSON.stringify(names))
