// What the manifests of checkpoints say of their models: size, training, recorded figures; and the table of it.
import type { ReportTable } from '@ood/plots'
import type { Manifest } from '@ood/runtime'
import { percentText } from './report-text.ts'

/** A model as reports describe it; what its manifest does not say is null. */
export type ModelFacts = ReturnType<typeof factsOf>

/** Reads a manifest. */
export function factsOf({ name, kind, training, metrics, mutation, graphs, sha256 }: Manifest) {
  const count = (value: unknown): number | null => (typeof value === 'number' ? value : null)
  const { parameters, steps, hardware = null, wallTimeSeconds } = training ?? {}
  return {
    name,
    kind,
    parameters: count(parameters),
    /** Multiplications of one evaluation of its network. */
    multiplications: count(Object.values(graphs)[0]?.multiplications),
    steps: count(steps),
    hardware,
    wallTimeSeconds: count(wallTimeSeconds),
    /** How the training data of a background model were changed. */
    mutation: mutation ?? null,
    /** Bits a dimension by split, as recorded; a background model's are of mutated or plain images. */
    bitsPerDim: metrics?.bitsPerDim ?? null,
    metrics: metrics ?? {},
    sha256,
  }
}

/** A semantic model and its background model side by side; `what` was replaced in the training of the second. */
export function modelTable(models: Record<'semantic' | 'background', ModelFacts>, what: string): ReportTable {
  const count = (value: number | null): string => value?.toLocaleString('en') ?? '-'
  const rows = [models.semantic, models.background].map((facts) => {
    const { name, kind, parameters, steps, wallTimeSeconds: seconds, bitsPerDim, mutation } = facts
    const bits = Object.entries((bitsPerDim ?? {}) as Record<string, unknown>).map(([split, value]) =>
      typeof value === 'number' ? `${value.toFixed(2)} (${split})` : split,
    )
    const { rate } = (mutation ?? {}) as { rate?: number }
    const minutes = seconds === null ? '-' : (seconds / 60).toFixed(0)
    const replaced = rate === undefined ? 'none' : percentText(rate)
    return [name, kind, count(parameters), count(steps), minutes, bits.join(', ') || '-', replaced]
  })
  const head = ['model', 'kind', 'parameters', 'steps', 'minutes', 'bits/dim as recorded', `${what} replaced`]
  return { table: [head, ...rows] }
}
