// The tiny flows with random weights, every kind of layer once, against float64 PyTorch.
import { fileURLToPath } from 'node:url'
import { describeGolden } from './golden.ts'

// float32 graphs of about 30 layers with numbers up to 10: rounding leaves 1e-6, a wrong formula 1e-1.
for (const name of ['tiny-affine', 'tiny-rqs', 'tiny-realnvp', 'tiny-glow', 'tiny-cycle'])
  describeGolden(name, fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)), 2e-5)
