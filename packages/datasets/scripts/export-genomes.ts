// Writes synthetic genomes in the layout of the public genomics data, for the LSTMs of training/ and for tests:
//
//   npx tsx --conditions=@ood/source packages/datasets/scripts/export-genomes.ts OUT [--train 200000]
//     [--validation 5000] [--test 5000] [--seed 1] [--length 250] [--order 2] [--preference 0.2] [--classes 10,60,60] [--kinship 0.75] [--gc 0.15,0.85] [--stretches 75,25]
//
// OUT/{train_in,val_in,val_ood,test_in,test_ood}.npz with x, is_outlier and y, OUT/label_dict.json, and
// OUT/genomes.json with what makes the same files again. Files of the same settings are kept.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { flatData } from '@ood/core'
import { genomeSplits, syntheticGenomes, writeNpz } from '@ood/datasets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    train: { type: 'string', default: '200000' },
    validation: { type: 'string', default: '5000' },
    test: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    length: { type: 'string', default: '250' },
    order: { type: 'string', default: '2' },
    preference: { type: 'string', default: '0.2' },
    kinship: { type: 'string', default: '0.75' },
    gc: { type: 'string', default: '0.15,0.85' },
    stretches: { type: 'string', default: '75,25' },
    classes: { type: 'string', default: '10,60,60' },
  },
})
const [out] = positionals
if (!out) throw new Error('usage: export-genomes OUT [--train N] [--validation N] [--test N] [--seed S] ...')
const [inside = 0, validation = 0, test = 0] = values.classes.split(',').map(Number)
const [low = 0, high = 0] = values.gc.split(',').map(Number)
const [gene = 0, gap = 0] = values.stretches.split(',').map(Number)
const law = {
  seed: Number(values.seed),
  length: Number(values.length),
  order: Number(values.order),
  preference: Number(values.preference),
  kinship: Number(values.kinship),
  gc: [low, high] as const,
  stretches: [gene, gap] as const,
  classes: [inside, validation, test] as const,
}
const sizes = { train: Number(values.train), val: Number(values.validation), test: Number(values.test) }
const record = `${JSON.stringify({ ...law, ...sizes }, undefined, 2)}\n`
const already = await readFile(join(out, 'genomes.json'), 'utf8').catch(() => '')
if (already === record) {
  console.log(`${out}: kept`)
} else {
  await mkdir(out, { recursive: true })
  for (const split of genomeSplits) {
    const n = sizes[split.split('_')[0] as keyof typeof sizes]
    const { x, isOutlier, labels, names } = syntheticGenomes({ split, n, ...law })
    await writeNpz(join(out, `${split}.npz`), {
      x: { data: Uint8Array.from(flatData(x)), shape: [n, law.length] },
      is_outlier: { data: isOutlier, shape: [n] },
      y: { data: labels, shape: [n] },
    })
    await writeFile(join(out, 'label_dict.json'), `${JSON.stringify(names)}\n`)
  }
  await writeFile(join(out, 'genomes.json'), record)
  console.log(
    `${out}: ${Object.entries(sizes)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ')}`,
  )
}
