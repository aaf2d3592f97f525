// `detector.json`: its name, its entries for models, and the checks on what other people wrote there.
import { mismatch, OodError } from '@ood/core'

/** The file that makes a folder a stored detector. */
export const DETECTOR_FILE = 'detector.json'

/** Names of models: `semantic`, `background`, `model`, `model-0` ... */
export const ROLE: RegExp = /^[A-Za-z][A-Za-z0-9-]{0,63}$/

/** Where one model is: copied into the detector's folder, or linked by relative path; and the SHA-256 of its files. */
export interface ModelEntry {
  folder?: string
  link?: string
  files: Record<string, string>
}

/** A checked `detector.json`. */
export interface DetectorManifest {
  /** Everything but `models`, for the detector's own checks. */
  state: Record<string, unknown>
  models: [role: string, entry: ModelEntry][]
}

/** Checks a parsed `detector.json`; throws `E_FILE` naming file and field. */
export function parseManifest(value: unknown, file: string): DetectorManifest {
  const { models, ...state } = record(value, file)
  const entries = Object.entries(record(models, `${file} models`))
  if (entries.length === 0 || entries.length > 64)
    throw mismatch('E_FILE', `${file} models`, '1 to 64 models', entries.length)
  return { state, models: entries.map(([role, entry]) => [role, modelEntry(role, entry, `${file} models`)]) }
}

function modelEntry(role: string, value: unknown, what: string): ModelEntry {
  if (!ROLE.test(role)) throw mismatch('E_FILE', what, 'roles of letters, digits and dashes', role)
  const { folder, link, files } = record(value, `${what}.${role}`)
  if ((folder === undefined) === (link === undefined))
    throw new OodError('E_FILE', `${what}.${role}: expected either folder or link, got ${folder ? 'both' : 'neither'}`)
  const place = folder ?? link
  if (typeof place !== 'string') throw mismatch('E_FILE', `${what}.${role}`, 'a relative path', place)
  const hashes = record(files, `${what}.${role}.files`)
  const names = Object.keys(hashes)
  if (names.length === 0 || names.length > 1000)
    throw mismatch('E_FILE', `${what}.${role}.files`, '1 to 1000 files', names.length)
  for (const name of names)
    if (!(typeof hashes[name] === 'string' && /^[0-9a-f]{64}$/.test(hashes[name])))
      throw mismatch('E_FILE', `${what}.${role}.files ${name}`, '64 lower-case hex digits', hashes[name])
  return { ...(folder === undefined ? { link: place } : { folder: place }), files: hashes as Record<string, string> }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mismatch('E_FILE', what, 'an object', value)
  return value as Record<string, unknown>
}
