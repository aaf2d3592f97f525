// Writes a named manifold as .npy files for other tools, among them the tabular models of training/:
//
//   npx tsx --conditions=@ood/source packages/datasets/scripts/export-manifold.ts NAME OUT [--n 20000] [--validation 1000]
//     [--seed 123] [--standardize auto|yes|no]
//
// OUT/train.npy and OUT/validation.npy (float32 [N, D]), OUT/{train,validation}-lid.npy, and OUT/points.json with what
// makes the same points again. Files of the same settings are kept.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rowSize, tensor } from '@ood/core'
import { manifold, writeNpy } from '@ood/datasets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: 'string', default: '20000' },
    validation: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '123' },
    standardize: { type: 'string', default: 'auto' },
  },
})
const [name, out] = positionals
if (!name || !out)
  throw new Error('usage: export-manifold NAME OUT [--n N] [--validation N] [--seed S] [--standardize auto|yes|no]')
const seed = Number(values.seed)
const sizes = { train: Number(values.n), validation: Number(values.validation) }
const standardize = values.standardize
const record = `${JSON.stringify({ manifold: name, seed, ...sizes, standardize }, undefined, 2)}\n`
const already = await readFile(join(out, 'points.json'), 'utf8').catch(() => '')
if (already === record) {
  console.log(`${out}: kept`)
} else {
  await mkdir(out, { recursive: true })
  for (const [split, n] of Object.entries(sizes)) {
    const set = manifold(name, {
      n,
      seed,
      split,
      ...(standardize !== 'auto' && { standardize: standardize === 'yes' }),
    })
    const { points, lid } = set.all()
    await writeNpy(join(out, `${split}.npy`), tensor(Float32Array.from(points.data), [n, rowSize(points)]))
    await writeNpy(join(out, `${split}-lid.npy`), tensor(lid, [n]))
  }
  await writeFile(join(out, 'points.json'), record)
  console.log(`${out}: ${sizes.train} + ${sizes.validation} points of ${name}`)
}
