// Measures each column of each set once, for all methods, stored where there is a store, and keeps the time it took.
import { type CallOptions, type NdArray, rowCount, sliceRows } from '@ood/core'
import { type Columns, columnBatch, concatColumns, isStorable, type Measurement, type Needs, vector } from '@ood/detect'

/** Keeps columns over kills: `run.batches` of @ood/run is one. */
export interface ColumnStore {
  batches(
    name: string,
    total: number,
    batchSize: number,
    compute: (from: number, to: number) => Promise<Record<string, NdArray<Float64Array>>>,
    options: { key: unknown } & Pick<CallOptions, 'signal' | 'onProgress'>,
  ): Promise<Record<string, NdArray<Float64Array>>>
}

/** Options of a measurer. */
export interface MeasurerOptions extends CallOptions {
  store?: ColumnStore | undefined
}

/** Gives the columns of needs for named sets of rows. */
export interface Measurer {
  measure(needs: Needs, set: string, x: NdArray): Promise<Columns>
  /** Seconds an image of every distinct measurement of `needs`, as far as they were measured here or stored. */
  seconds(needs: Needs): number
}

/** The column that holds seconds a row. */
const SECONDS = 'seconds'

/**
 * A measurer: every measurement of a set is made once, in batches of `batchSize` (default 16), whatever method asks.
 *
 * @example
 * const measurer = createMeasurer({ store: run })
 * const columns = await measurer.measure(method.needs(), 'train', trainImages)
 */
export function createMeasurer(options: MeasurerOptions = {}): Measurer {
  const { store, batchSize = 16, seed = 0, signal, onProgress } = options
  const known = new Map<string, Columns>()
  const times = new Map<string, number>()

  async function one(entry: Measurement, set: string, x: NdArray): Promise<Columns> {
    const at = `${set}\n${entry.key}`
    const found = known.get(at)
    if (found) return found
    const label = `${set}/${entry.key.split('/')[1] ?? 'columns'}`
    const compute = async (from: number, to: number): Promise<Record<string, NdArray<Float64Array>>> => {
      const rows = Array.from({ length: to - from }, (_, i) => from + i)
      const start = performance.now()
      const columns = await entry.measure(sliceRows(x, from, to), { seed, rows, signal })
      const seconds = (performance.now() - start) / 1000 / (to - from)
      const batches = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnBatch(column)]))
      return { ...batches, [SECONDS]: columnBatch(new Float64Array(to - from).fill(seconds)) }
    }
    const total = rowCount(x)
    // A model without a manifest is known by its place in this process only: another process would take it for another one.
    const whole: Columns =
      store && isStorable(entry.key)
        ? await store.batches(stepName(set, entry.key), total, batchSize, compute, {
            key: entry.key,
            signal,
            onProgress: onProgress && ((p) => onProgress({ ...p, label })),
          })
        : await plainBatches(total, batchSize, compute, (done) => onProgress?.({ done, total, label }))
    const { [SECONDS]: _, ...columns } = whole
    const sum = vector(whole, SECONDS).reduce((all, seconds) => all + seconds, 0)
    // The quickest set counts: the first one also pays for starting the engine.
    times.set(entry.key, Math.min(times.get(entry.key) ?? Number.POSITIVE_INFINITY, sum / Math.max(1, total)))
    known.set(at, columns)
    return columns
  }

  return {
    async measure(needs, set, x) {
      const columns: Record<string, Columns[string]> = {}
      for (const [prefix, entry] of Object.entries(needs))
        for (const [name, column] of Object.entries(await one(entry, set, x))) columns[`${prefix}.${name}`] = column
      return columns
    },
    seconds: (needs) =>
      [...new Set(Object.values(needs).map(({ key }) => key))].reduce((sum, key) => sum + (times.get(key) ?? 0), 0),
  }
}

async function plainBatches(
  total: number,
  batchSize: number,
  compute: (from: number, to: number) => Promise<Record<string, NdArray<Float64Array>>>,
  report: (done: number) => void,
): Promise<Columns> {
  const parts: Columns[] = []
  for (let from = 0; from < total; from += batchSize) {
    const to = Math.min(total, from + batchSize)
    parts.push(await compute(from, to))
    report(to)
  }
  const whole = concatColumns(parts)
  return Object.fromEntries(Object.entries(whole).map(([name, column]) => [name, columnBatch(column)]))
}

/** A step name of a set and a key: what is measured, and a hash that tells sets, settings and models apart. */
function stepName(set: string, measurementKey: string): string {
  const key = `${set}\n${measurementKey}`
  let [a, b] = [0x811c9dc5, 0x9747b28c]
  for (let i = 0; i < key.length; i++) {
    a = Math.imul(a ^ key.charCodeAt(i), 0x01000193)
    b = Math.imul(b ^ key.charCodeAt(i), 0x5bd1e995)
  }
  const hash = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
  const plain = (text: string): string => text.replace(/[^A-Za-z0-9._-]+/g, '-')
  return `columns/${plain(set)}/${plain(measurementKey.split('/')[1] ?? 'columns')}-${hash(a)}${hash(b)}`
}
