// The sequences of the four splits: validation, which choices are made on, and test, in and out of distribution.
import { flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { type GenomeLawOptions, type GenomeSet, type GenomeSplit, loadGenomes, syntheticGenomes } from '@ood/datasets'
import type { Manifest } from '@ood/runtime'
import type { CommonOptions } from '../common/command-line.ts'
import { eachName } from '../common/splits.ts'

/** The splits used, in the names of the public data's files. */
export const splitNames = ['val_in', 'val_ood', 'test_in', 'test_ood'] as const satisfies readonly GenomeSplit[]
export type SplitName = (typeof splitNames)[number]

/** Sequences of a split; of synthetic ones it is known which bases are coding. */
export interface Sequences extends GenomeSet {
  coding?: Uint8Array
  /** Share of G and C of each sequence. */
  gcContent: Float64Array
}

/** Fields of a law in the record of a checkpoint's training genomes. */
const lawFields = ['seed', 'length', 'order', 'classes', 'kinship', 'preference', 'gc', 'stretches'] as const

/** What a checkpoint trained on synthetic genomes records of their law. */
export function lawOf({ name, training }: Manifest): GenomeLawOptions {
  const genomes = training?.genomes as Record<string, unknown> | undefined
  const missing = lawFields.find((field) => genomes?.[field] === undefined)
  if (!genomes || missing !== undefined)
    throw mismatch(
      'E_MANIFEST',
      `${name} training.genomes.${missing}`,
      'the law of the synthetic genomes it was trained on (--data-dir for others)',
      undefined,
    )
  return Object.fromEntries(lawFields.map((field) => [field, genomes[field]])) as GenomeLawOptions
}

/** Loads every split: the public data, or sequences of the law that the model was trained on. */
export async function loadSplits(
  { n, seed, dataDir }: Pick<CommonOptions, 'n' | 'seed' | 'dataDir'>,
  law: GenomeLawOptions | undefined,
  signal: AbortSignal,
): Promise<Record<SplitName, Sequences>> {
  return await eachName(splitNames, async (split): Promise<Sequences> => {
    // Sequence i of a synthetic split is always the same one: another seed begins elsewhere.
    const set = dataDir
      ? await loadGenomes({ split, dataDir, limit: n, seed, signal })
      : syntheticGenomes({ ...law, split, n, from: seed * 1_000_000 })
    if (rowCount(set.x) < 8)
      throw mismatch('E_ARGUMENT', `${split} of ${dataDir}`, 'at least 8 sequences', rowCount(set.x))
    return { ...set, gcContent: gcContent(set.x) }
  })
}

/** Share of G and C of each row. */
export function gcContent(x: NdArray): Float64Array {
  const bases = flatData(x)
  const length = rowSize(x)
  const out = new Float64Array(rowCount(x))
  for (let i = 0; i < out.length; i++)
    out[i] = bases.subarray(i * length, (i + 1) * length).filter((base) => base === 1 || base === 2).length / length
  return out
}
