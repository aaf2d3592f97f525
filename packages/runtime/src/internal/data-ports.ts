// What a manifest says of the data against the ports of its graphs and its preprocessing: axis by axis, no silent guess.
import { mismatch, OodError } from '@ood/core'
import type { Manifest, PreprocessingStep } from '../manifest.ts'

type Sizes = readonly (number | string)[]

/** A port that takes or gives data rows, by kind: role, side, and its name unless `ports` renames it. */
const DATA_PORTS: Readonly<Record<string, readonly (readonly [string, 'inputs' | 'outputs', string])[]>> = {
  flow: [
    ['encode', 'inputs', 'x'],
    ['decode', 'outputs', 'x'],
  ],
  diffusion: [
    ['score', 'inputs', 'x'],
    ['score', 'outputs', 'net'],
  ],
  autoregressive: [['params', 'inputs', 'x']],
}

/** Inputs whose first axis is the batch. */
const BATCHED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  flow: [
    ['encode', 'x'],
    ['decode', 'z'],
  ],
  diffusion: [['score', 'x']],
  autoregressive: [['params', 'x']],
  sequence: [['logits', 'tokens']],
}

/**
 * Throws unless the graphs take batches of any size of rows as `data.shape` says, and `data.valueRange` fits the
 * preprocessing.
 *
 * @throws OodError `E_MANIFEST` naming file and field, and how to mend it
 */
export function assertDataPorts(manifest: Manifest, file: string): void {
  const { kind, graphs, data, preprocessing, ports } = manifest
  const named = (name: string): string => (ports as Record<string, string> | undefined)?.[name] ?? name
  for (const [role, name] of BATCHED[kind] ?? []) {
    const sizes = graphs[role]?.inputs[named(name)]
    if (typeof sizes?.[0] === 'number') {
      const what = `${file} graphs.${role}.inputs.${named(name)}`
      throw mismatch('E_MANIFEST', what, 'a free batch axis', `${sizes[0]} rows (${freeAxis(named(name))})`)
    }
  }
  const flat = preprocessing.some(({ name }) => name === 'flatten')
  const size = data.shape.reduce((product, n) => product * n, 1)
  const row: Sizes = flat ? [size] : data.shape
  for (const [role, side, name] of DATA_PORTS[kind] ?? []) {
    const sizes: Sizes | undefined = graphs[role]?.[side][named(name)]
    if (sizes && sizes.length > 0) assertRow(`${file} graphs.${role}.${side}.${named(name)}`, sizes.slice(1), row, size)
  }
  assertRange(preprocessing, data.valueRange, `${file} data.valueRange`)
}

/** A row of `size` numbers in a flat port keeps its order; every other difference would be read in the wrong order. */
function assertRow(what: string, sizes: Sizes, row: Sizes, size: number): void {
  if (sizes.length === 1 && (sizes[0] === size || typeof sizes[0] === 'string')) return
  const fits = sizes.length === row.length && sizes.every((n, axis) => typeof n === 'string' || n === row[axis])
  if (fits) return
  const last = sizes.length === row.length && sizes.length > 1 && same([...row.slice(1), row[0]!], sizes)
  const hint = last ? ' (channels last? export it with channels first, NCHW)' : ''
  const got = `[N, ${sizes.join(', ')}]${hint}`
  throw mismatch('E_MANIFEST', what, `[N, ${row.join(', ')}] as data.shape says`, got)
}

function same(a: Sizes, b: Sizes): boolean {
  return a.every((n, axis) => n === b[axis] || typeof b[axis] === 'string')
}

function freeAxis(name: string): string {
  return `export a free one: dynamic_axes={'${name}': {0: 'N'}}, or dynamic_shapes with dynamo=True`
}

/** The first step that touches numbers says what raw values are; a value range of other units is a mistake in one of them. */
function assertRange(steps: readonly PreprocessingStep[], [low, high]: readonly [number, number], what: string): void {
  const first = steps.find(({ name }) => name !== 'flatten' && name !== 'identity')
  if (!first) return
  const got = `[${low}, ${high}]`
  const levels = typeof first.levels === 'number' ? first.levels : 256
  const bytes =
    (first.name === 'dequantize' && first.input !== 'unit') || ['uniform-noise', 'unit', 'scale'].includes(first.name)
  if (bytes) {
    // A range within [0, 1] of more than two levels is that of scaled images.
    if (low >= 0 && high <= levels - 1 && (high > 1 || levels <= 2)) return
    const hint = high <= 1 && first.name === 'dequantize' ? "; for images in [0, 1] give input: 'unit'" : ''
    throw mismatch('E_MANIFEST', what, `whole levels within [0, ${levels - 1}] for ${first.name}`, got + hint)
  }
  const unit = ['dequantize', 'zero-center', 'logit', 'symmetric-logit'].includes(first.name)
  if (unit && !(low >= 0 && high <= 1))
    throw mismatch('E_MANIFEST', what, `a range within [0, 1] for ${first.name}`, got)
}

/** Discrete processes feed the network their time step: a scale beside one would be ignored. */
export function assertTimeScale({ kind, sde, timeScale }: Manifest, file: string): void {
  if (kind === 'diffusion' && sde?.name === 'ddpm' && timeScale !== undefined)
    throw new OodError(
      'E_MANIFEST',
      `${file} timeScale: expected none beside sde ddpm, whose network is fed its time step, got ${timeScale}`,
    )
}
