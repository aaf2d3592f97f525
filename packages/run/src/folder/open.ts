// Opens a run folder: lock, configuration, journal, and the functions an experiment writes its results with.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path'
import { assertOptions, mismatch, OodError } from '@ood/core'
import { makeFolderSync, PART, removeParts, sha256, writeFileAtomicSync } from '@ood/core/node'
import { configYaml, firstDifference, readConfig } from '../config/config.ts'
import { onDisk } from '../internal/guard.ts'
import { type Columns, csvText } from './csv.ts'
import { startFacts } from './facts.ts'
import { openJournal, type RunEvent } from './journal.ts'
import { takeLock } from './lock.ts'
import { type Steps, stepStore } from './steps.ts'

/** Options of `openRun`. */
export interface OpenRunOptions<C> {
  /** The run folder; made when missing. */
  folder: string
  /** The resolved configuration: everything the results depend on, as a plain tree of JSON values. */
  config: C
  /** `false` forgets finished steps and begins again (default `true`: finished steps are loaded). */
  resume?: boolean | undefined
  /** `true` gives up an earlier run of another configuration instead of refusing it (default `false`). */
  overwrite?: boolean | undefined
}

/** An open run folder. */
export interface Run<C = unknown> extends Steps {
  readonly folder: string
  readonly config: C
  /** `true` when an earlier start of this run has left finished steps or batches. */
  readonly resumed: boolean
  /** Every event of `run.jsonl` so far. */
  readonly events: readonly RunEvent[]
  /** Appends an event of the caller to `run.jsonl`. */
  log(type: string, fields?: Record<string, unknown>): void
  /** Writes text to a file of the run folder, whole or not at all. Returns the full path. */
  writeText(path: string, text: string): string
  /** Writes indented JSON. NaN and infinities are an error: JSON would turn them into null. */
  writeJson(path: string, value: unknown): string
  /** Writes bytes. */
  writeBytes(path: string, bytes: Uint8Array): string
  /** Writes metric columns to `<split>/<file>` (default `metrics.csv`). */
  writeCsv(split: string, columns: Columns, file?: string): string
  /**
   * Writes a LID curve the way the reference lays it out: `<split>/trends/sweeping_range.csv` with the scales and
   * `<split>/trends/trend.csv` with a row per point and a column per scale.
   *
   * @param curves - one array of `scales.length` numbers per point
   */
  writeTrend(split: string, scales: ArrayLike<number>, curves: readonly ArrayLike<number>[]): void
  /** Records that everything was done. */
  finish(): void
  /** Gives the folder back. Also happens when the process exits. */
  close(): void
}

/**
 * Opens a run folder, so that a process killed at any moment and started again ends with the same results as one
 * that ran undisturbed. Finished steps are loaded, the others computed.
 *
 * ```
 * config.yaml     the resolved configuration
 * run.jsonl       events, appended and flushed line by line
 * run.lock        names the process that works here
 * steps/<name>/   stored results: value.json and one .npy per array
 * ...             what the caller writes: CSVs, figures, report
 * ```
 *
 * @throws OodError `E_ARGUMENT` when the folder has a run of another configuration, or files that are no run;
 *   `E_FILE` when another process holds the folder or a file cannot be read or written
 * @example
 * const run = openRun({ folder: 'runs/demo', config: { n: 64, seed: 0 } })
 * const curve = await run.step('curve', () => lidCurve(...))
 * run.writeCsv('ood', { likelihood, JacobianThresholdLID: lid })
 * run.finish()
 * run.close()
 */
export function openRun<C>(options: OpenRunOptions<C>): Run<C> {
  assertOptions('openRun', options, ['folder', 'config', 'resume', 'overwrite'])
  const { folder, config, resume = true, overwrite = false } = options
  const yaml = configYaml(config)
  makeFolderSync(folder)
  const release = onDisk(folder, () => {
    refuseForeignFolder(folder)
    return takeLock(folder)
  })
  try {
    return onDisk(folder, () => open(folder, config, yaml, resume, overwrite, release))
  } catch (error) {
    release()
    throw error
  }
}

function open<C>(folder: string, config: C, yaml: string, resume: boolean, overwrite: boolean, release: () => void) {
  const configPath = join(folder, 'config.yaml')
  const journalPath = join(folder, 'run.jsonl')
  removeParts(folder)
  if (existsSync(configPath)) {
    const found = firstDifference(readConfig(configPath), config)
    if (found && !overwrite)
      throw new OodError(
        'E_ARGUMENT',
        `${configPath}${found.path}: expected ${found.expected} as in the earlier run, got ${found.got} (choose another folder, or overwrite it)`,
      )
    // The old configuration stays until the new one takes its place: a kill in between leaves a run folder.
    if (found || !resume) {
      discard(folder)
      writeFileAtomicSync(configPath, yaml)
    }
  } else writeFileAtomicSync(configPath, yaml)
  const journal = openJournal(journalPath)
  const resumed = journal.events.some(({ type }) => type === 'step' || type === 'batch')
  const steps = stepStore(folder, journal)
  journal.append('open', {
    pid: process.pid,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ...startFacts(),
  })

  const log = (type: string, fields?: Record<string, unknown>) => onDisk(folder, () => journal.append(type, fields))
  const writeBytes = (path: string, bytes: Uint8Array | string): string => {
    const full = inside(folder, path)
    writeFileAtomicSync(full, bytes)
    log('file', { path: relative(folder, full).split(sep).join('/'), sha256: sha256(bytes) })
    return full
  }
  const run: Run<C> = {
    folder,
    config,
    resumed,
    events: journal.events,
    step: steps.step,
    batches: steps.batches,
    log,
    writeText: writeBytes,
    writeBytes,
    writeJson: (path, value) => writeBytes(path, jsonText(path, value)),
    writeCsv: (split, columns, file = 'metrics.csv') => writeBytes(join(split, file), csvText(columns)),
    writeTrend(split, scales, curves) {
      const wrong = curves.find((curve) => curve.length !== scales.length)
      if (wrong) throw mismatch('E_SHAPE', `${split} trend`, `${scales.length} numbers a point`, wrong.length)
      const columns = Array.from(scales, (scale, i) => [String(scale), curves.map((curve) => curve[i]!)] as const)
      // `Object.fromEntries` would reorder integer-like names, so the header is written by hand.
      const rows = curves.map((_, row) => columns.map(([, values]) => values[row]!).join(','))
      writeBytes(join(split, 'trends', 'sweeping_range.csv'), csvText({ scale: scales }))
      writeBytes(
        join(split, 'trends', 'trend.csv'),
        `${[columns.map(([name]) => name).join(','), ...rows].join('\n')}\n`,
      )
    },
    finish: () => log('finish'),
    close() {
      journal.close()
      release()
    },
  }
  return run
}

/** Only a folder that is empty or already a run may be written to: the user may have named a folder by mistake. */
function refuseForeignFolder(folder: string): void {
  const names = readdirSync(folder)
  if (names.includes('config.yaml') && (names.includes('run.jsonl') || names.includes('run.lock'))) return
  // A process killed while opening leaves no more than these; hidden files are those of file managers.
  const known = (name: string) =>
    name === 'config.yaml' || name === 'run.lock' || name.endsWith(PART) || name[0] === '.'
  const foreign = names.find((name) => !known(name))
  if (foreign !== undefined)
    throw mismatch('E_ARGUMENT', folder, 'an empty folder or the folder of an earlier run', `a folder with ${foreign}`)
}

/** Removes what an earlier run wrote and recorded, and nothing else. */
function discard(folder: string): void {
  const journalPath = join(folder, 'run.jsonl')
  const journal = openJournal(journalPath)
  for (const { type, path } of journal.events)
    if (type === 'file' && typeof path === 'string') rmSync(inside(folder, path), { force: true })
  journal.close()
  rmSync(join(folder, 'steps'), { recursive: true, force: true })
  rmSync(journalPath, { force: true })
}

/** The full path of a file of the run; one that points outside is a mistake. */
function inside(folder: string, path: string): string {
  const clean = normalize(path)
  if (isAbsolute(clean) || clean === '.' || clean.split(sep)[0] === '..')
    throw mismatch('E_ARGUMENT', 'run file', `a path inside ${folder}`, path)
  const full = join(folder, clean)
  makeFolderSync(dirname(full))
  return full
}

function jsonText(path: string, value: unknown): string {
  const text = JSON.stringify(
    value,
    (key, node: unknown) => {
      if (typeof node === 'number' && !Number.isFinite(node))
        throw mismatch('E_NOT_FINITE', `${path} ${key}`, 'a finite number', node)
      return ArrayBuffer.isView(node) ? Array.from(node as Float64Array) : node
    },
    2,
  )
  if (text === undefined) throw mismatch('E_ARGUMENT', path, 'a JSON value', value)
  return `${text}\n`
}
