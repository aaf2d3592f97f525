// Steps and batches of a run: computed once, stored on disk, loaded when the run is started again.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type CallOptions, canonicalJson, mismatch, OodError, throwIfAborted } from '@ood/core'
import { fileSha256Sync, makeFolderSync, removeParts, sha256, writeFolderAtomic } from '@ood/core/node'
import { onDisk } from '../internal/guard.ts'
import { loadValue, type Storable, saveValue } from '../internal/value.ts'
import { type BatchColumns, joinBatches } from './join.ts'
import type { Journal, RunEvent } from './journal.ts'

/** Options of `run.step`. */
export interface StepOptions {
  /** What the result depends on beside the configuration (a checkpoint's hash ...): a new key redoes the step. */
  key?: unknown | undefined
}

/** How to store a result that is not a plain tree of numbers and arrays. */
export interface StepCodec<T, S = unknown> {
  save(value: T): S
  load(stored: S): T
}

/** Options of `run.batches`. */
export interface BatchesOptions extends StepOptions, Pick<CallOptions, 'signal' | 'onProgress'> {}

/** The store of steps of one run folder. */
export interface Steps {
  /**
   * The result of a step: loaded when an earlier start of the run has finished it, else computed and stored. What is
   * returned is what was stored, so a first and a resumed run go on with the same thing.
   *
   * A result is a plain tree of numbers (NaN and infinities too), strings, booleans, null, typed arrays and ndarrays;
   * `save` and `load` translate anything else. Cost beside `compute`: writing, flushing and reading the result.
   *
   * @param name - unique in the run; letters, digits and `. _ / = + -`
   * @throws OodError `E_ARGUMENT` for a name used before or a result that cannot be stored; what `compute` throws
   * @example
   * const train = await run.step('train/logprob', async () => (await flow.logProb(images)).instance, { key: sha256 })
   */
  step<T>(name: string, compute: () => T | Promise<T>, options?: StepOptions & Partial<StepCodec<T>>): Promise<T>
  /**
   * A step over `total` rows, computed and stored `batchSize` at a time: a kill loses at most one batch. `compute` gets
   * a range of rows and must depend on it alone (draw random numbers from a seed and the row), then a resumed run gives
   * the same columns. Batches are joined along the rows and stored as one result; another `batchSize` starts afresh.
   *
   * @returns columns of `total` rows: typed arrays of k numbers a row, ndarrays [total, ...]
   * @throws OodError `E_EMPTY` for no rows, `E_SHAPE` for columns that do not fit their rows or each other, `E_ABORTED`
   * @example
   * const { lid } = await run.batches('ood/lid', n, 8, async (from, to) => ({ lid: await lidOf(images, from, to) }))
   */
  batches<C extends BatchColumns>(
    name: string,
    total: number,
    batchSize: number,
    compute: (from: number, to: number) => C | Promise<C>,
    options?: BatchesOptions,
  ): Promise<C>
}

/** Makes the store over `<folder>/steps`. */
export function stepStore(folder: string, journal: Journal): Steps {
  const root = join(folder, 'steps')
  makeFolderSync(root)
  removeParts(root)
  const used = new Map<string, string>()

  /** The folder of a step; two steps of one name would silently share a result, so that is an error. */
  function claim(name: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9._/=+-]*$/.test(name) || name.endsWith('/'))
      throw mismatch('E_ARGUMENT', 'step name', 'letters, digits and . _ / = + -', name)
    const path = join(root, name.replaceAll('/', '.'))
    const other = used.get(path.toLowerCase())
    if (other !== undefined) throw mismatch('E_ARGUMENT', `step ${name}`, 'a name of its own', `${other} again`)
    used.set(path.toLowerCase(), name)
    return path
  }

  /** The value of a finished entry, or `undefined` when it was never finished, has another key, or was damaged. */
  function recall(type: 'step' | 'batch', name: string, path: string, key: string): { value: Storable } | undefined {
    return onDisk(folder, () => recalled(type, name, path, key))
  }

  function recalled(type: 'step' | 'batch', name: string, path: string, key: string): { value: Storable } | undefined {
    const event = journal.events.findLast((item) => item.type === type && item.name === name)
    if (!event || event.key !== key) return undefined
    const redo = (reason: string): undefined => {
      journal.append('step-redone', { name, reason })
      return undefined
    }
    const files = hashesOf(event)
    if (!files) return redo('the journal names no files of it')
    const damaged = Object.keys(files).find((file) => hashOf(join(path, file)) !== files[file])
    if (damaged !== undefined) return redo(`${damaged} is missing or changed`)
    try {
      return { value: loadValue(path) }
    } catch (cause) {
      // The hashes fit, and it still is no stored result: the journal's list of files is not the one that was written.
      if (!(cause instanceof OodError)) throw cause
      return redo('its files are no stored result')
    }
  }

  /** Stores a value and returns it as a later run will load it, so that both runs continue with the same thing. */
  function store(
    type: 'step' | 'batch',
    name: string,
    path: string,
    key: string,
    value: unknown,
    ms: number,
  ): Storable {
    return onDisk(folder, () => {
      let files: string[] = []
      writeFolderAtomic(path, (part) => {
        files = saveValue(part, value, name)
      })
      const hashes = Object.fromEntries(files.map((file) => [file, fileSha256Sync(join(path, file))]))
      journal.append(type, { name, key, ms: Math.round(ms), files: hashes })
      return loadValue(path)
    })
  }

  const removeFolder = (path: string): void => onDisk(folder, () => rmSync(path, { recursive: true, force: true }))

  return {
    async step(name, compute, options = {}) {
      const path = claim(name)
      const key = keyHash(options.key)
      const { save = (value) => value, load = (stored) => stored as never } = options
      const known = recall('step', name, path, key)
      if (known) return load(known.value)
      const start = performance.now()
      const value = await compute()
      return load(store('step', name, path, key, save(value), performance.now() - start))
    },

    async batches<C extends BatchColumns>(
      name: string,
      total: number,
      batchSize: number,
      compute: (from: number, to: number) => C | Promise<C>,
      options: BatchesOptions = {},
    ): Promise<C> {
      const path = claim(name)
      if (!Number.isInteger(total) || total < 1)
        throw mismatch(total === 0 ? 'E_EMPTY' : 'E_ARGUMENT', `${name} total`, 'at least one row', total)
      if (!Number.isInteger(batchSize) || batchSize < 1)
        throw mismatch('E_ARGUMENT', `${name} batchSize`, 'a positive integer', batchSize)
      // The rows of a batch are computed together and may share rounding, so other sizes are other results.
      const key = keyHash([options.key, total, batchSize])
      const parts = `${path}.batches`
      const known = recall('step', name, path, key)
      const report = (done: number) => options.onProgress?.({ done, total, label: name })
      if (known) {
        removeFolder(parts)
        report(total)
        return known.value as C
      }
      const start = performance.now()
      const done: { rows: number; value: C }[] = []
      let computing = false
      for (let from = 0; from < total; from += batchSize) {
        throwIfAborted(options.signal, name)
        const to = Math.min(total, from + batchSize)
        const batch = `${name} ${from}-${to}`
        const place = join(parts, `${from}-${to}`)
        const stored = recall('batch', batch, place, key)
        if (stored) {
          // One event for all loaded batches: a sequence of them would promise a speed that computing does not have.
          done.push({ rows: to - from, value: stored.value as C })
          continue
        }
        if (done.length > 0 && !computing) report(from)
        computing = true
        const begun = performance.now()
        const value = store('batch', batch, place, key, await compute(from, to), performance.now() - begun)
        done.push({ rows: to - from, value: value as C })
        report(to)
      }
      if (!computing) report(total)
      const joined = joinBatches(name, done)
      const value = store('step', name, path, key, joined, performance.now() - start)
      removeFolder(parts)
      return value as C
    },
  }
}

/** The files of an event with their hashes, unless the journal was changed by hand or comes from elsewhere. */
function hashesOf({ files }: RunEvent): Record<string, string> | undefined {
  if (typeof files !== 'object' || files === null || Array.isArray(files)) return undefined
  const entries = Object.entries(files as Record<string, unknown>)
  const named = entries.length > 0 && entries.every(([name, hash]) => typeof hash === 'string' && !/[\\/]/.test(name))
  return named ? (files as Record<string, string>) : undefined
}

function keyHash(key: unknown): string {
  return sha256(canonicalJson(key ?? null)).slice(0, 16)
}

/** A file's hash, or `undefined` when it cannot be read. */
function hashOf(path: string): string | undefined {
  try {
    return fileSha256Sync(path)
  } catch {
    return undefined
  }
}
