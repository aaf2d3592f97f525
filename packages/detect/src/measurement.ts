// A measurement: the expensive part of a method, declared with an identity so that methods share it and runs store it.
import { type CallOptions, mismatch, type NdArray, OodError, rowCount, throwIfAborted } from '@ood/core'
import { type Columns, columnRows } from './columns.ts'

/** Options of a measurement: `rows` are keys of the rows, so that numbers do not depend on a row's place in `x`. */
export interface MeasureOptions extends CallOptions {
  rows?: ArrayLike<number> | undefined
}

/**
 * Some columns of a batch, made by running models. Row i is a function of (seed, key of row i) alone: it may be measured
 * in any batch, stored, and joined again.
 */
export interface Measurement<Input = NdArray> {
  /** Models, name and settings as text: measurements of equal keys give equal numbers, and are made once. */
  readonly key: string
  /** Names of the columns it gives. */
  readonly columns: readonly string[]
  /** Columns it gives where the model has them, such as maps of features. */
  readonly optional?: readonly string[]
  measure(x: Input, options?: MeasureOptions): Promise<Columns> | Columns
}

/** Measurements by prefix: column `c` of the measurement under `p` is called `p.c`. */
export type Needs<Input = NdArray> = Readonly<Record<string, Measurement<Input>>>

const identities = new WeakMap<object, string>()
let anonymous = 0

/**
 * Identity of a model: of its checkpoint's files where it has a manifest with hashes, otherwise of the object, good for
 * this process only (it begins with `object-`).
 */
export function modelKey(model: object): string {
  const known = identities.get(model)
  if (known) return known
  const { manifest } = model as { manifest?: { name?: unknown; sha256?: unknown } }
  const files = manifest?.sha256
  const key =
    files && typeof files === 'object' && Object.keys(files).length > 0
      ? `${String(manifest?.name)}@${Object.values(files as Record<string, string>)
          .map((hash) => hash.slice(0, 16))
          .join('+')}`
      : `object-${++anonymous}`
  identities.set(model, key)
  return key
}

/** Whether a key holds in other processes, so that columns stored under it can be used again. */
export function isStorable(key: string): boolean {
  return !/(^|[/+])object-\d/.test(key)
}

/**
 * A measurement of models.
 *
 * @param name - what is measured, such as `logProb`
 * @param models - the models it runs
 * @param settings - everything else the numbers depend on, but for `seed` and row keys
 * @param columns - names of the columns `measure` gives
 * @param optional - names of those it gives where the model has them
 * @example
 * const logProb = measurement('logProb', [flow], { space: 'model' }, ['logProb'], async (x, call) => ({
 *   logProb: (await flow.logProb(x, { ...call, space: 'model' })).instance,
 * }))
 */
export function measurement<Input = NdArray>(
  name: string,
  models: readonly object[],
  settings: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  measure: Measurement<Input>['measure'],
  optional: readonly string[] = [],
): Measurement<Input> {
  const key = `${models.map(modelKey).join('+')}/${name}/${JSON.stringify(settings)}`
  return { key, columns, optional, measure }
}

/**
 * Runs every distinct measurement of `needs` once, one after another, and gives the prefixed columns.
 *
 * @param known - columns by key that are there already; new ones are added
 * @throws OodError `E_SHAPE` when a measurement gives another number of rows or lacks a column; what `measure` throws
 * @example
 * const columns = await measureNeeds({ flow: logProb }, images) // { 'flow.logProb': Float64Array }
 */
export async function measureNeeds<Input>(
  needs: Needs<Input>,
  x: Input,
  options: MeasureOptions = {},
  known: Map<string, Columns> = new Map(),
): Promise<Columns> {
  const distinct = new Map<string, { prefix: string; entry: Measurement<Input> }>()
  for (const [prefix, entry] of Object.entries(needs))
    if (!distinct.has(entry.key)) distinct.set(entry.key, { prefix, entry })
  const missing = [...distinct.values()].filter(({ entry }) => !known.has(entry.key))
  for (const [k, { prefix, entry }] of missing.entries()) {
    throwIfAborted(options.signal, 'measure')
    const columns = await entry.measure(x, shareOf(options, k, missing.length))
    known.set(entry.key, checked(prefix, entry, columns, rowsOf(x)))
  }
  const columns: Record<string, Columns[string]> = {}
  for (const [prefix, { key, columns: names, optional = [] }] of Object.entries(needs)) {
    const found = known.get(key)!
    for (const name of names) columns[`${prefix}.${name}`] = found[name]!
    for (const name of optional) if (found[name]) columns[`${prefix}.${name}`] = found[name]
  }
  return columns
}

/** Call options whose progress is the `index`-th of `count` parts of the whole. */
function shareOf(options: MeasureOptions, index: number, count: number): MeasureOptions {
  const { onProgress } = options
  const call = { ...options, seed: options.seed ?? 0 }
  if (!onProgress || count === 1) return call
  return {
    ...call,
    onProgress: ({ done, total, label }) => onProgress({ label, done: index * total + done, total: count * total }),
  }
}

function checked<Input>(
  prefix: string,
  entry: Measurement<Input>,
  columns: Columns,
  rows: number | undefined,
): Columns {
  for (const name of entry.columns)
    if (!Object.hasOwn(columns, name))
      throw new OodError('E_SHAPE', `measurement ${prefix}: expected column ${name}, got ${Object.keys(columns)}`)
  const n = columnRows(columns)
  if (rows !== undefined && n !== rows) throw mismatch('E_SHAPE', `measurement ${prefix}`, `${rows} rows`, n)
  return columns
}

function rowsOf(x: unknown): number | undefined {
  return typeof x === 'object' && x !== null && Array.isArray((x as NdArray).shape) ? rowCount(x as NdArray) : undefined
}
