// `detector.json` of a detector folder: its name, its entries for model folders, and the checks on what others wrote there.
import { mismatch, OodError } from '@ood/core'

/** The file that makes a folder a stored detector. */
export const DETECTOR_FILE = 'detector.json'

/** Names of models: `semantic`, `background`, `model-0`, `0.flow` ... */
export const ROLE: RegExp = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/

/** Most models a detector folder names. */
export const MAX_MODELS = 64

/** Where one model is: copied into the detector's folder, or linked by relative path; and the SHA-256 of its files. */
export interface ModelFolder {
  folder?: string
  link?: string
  files: Record<string, string>
}

/** A checked `detector.json`. */
interface DetectorManifest {
  /** Everything but the model folders, for the detector's own checks. */
  state: Record<string, unknown>
  folders: [role: string, entry: ModelFolder][]
}

/**
 * Checks a parsed `detector.json`. Version 0.1 kept the model folders under `models`, which today holds the models'
 * identities; both are read.
 *
 * @throws OodError `E_FILE` naming file and field
 */
export function parseManifest(value: unknown, file: string): DetectorManifest {
  const whole = record(value, file)
  const field = whole.format === undefined ? 'models' : 'modelFolders'
  const { [field]: folders, ...state } = whole
  const entries = Object.entries(record(folders, `${file} ${field}`))
  if (entries.length > MAX_MODELS)
    throw mismatch('E_FILE', `${file} ${field}`, `at most ${MAX_MODELS} models`, entries.length)
  return { state, folders: entries.map(([role, entry]) => [role, modelFolder(role, entry, `${file} ${field}`)]) }
}

function modelFolder(role: string, value: unknown, what: string): ModelFolder {
  if (!ROLE.test(role)) throw mismatch('E_FILE', what, 'roles of letters, digits, dots and dashes', role)
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
