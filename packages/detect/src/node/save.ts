// Writes a fitted detector and its models as a folder that is whole or not there, whenever the process is killed.
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { fileError, fileSha256, flush, makeFolder, PART, sha256, writeFileAtomic } from '@ood/core/node'
import type { StoredDetector } from '../stored.ts'
import { copyFiles, listFiles } from './files.ts'
import { DETECTOR_FILE, MAX_MODELS, type ModelFolder, ROLE } from './manifest.ts'

/** Where a detector's models are and how they are kept. */
export interface SaveDetectorOptions {
  /**
   * The checkpoint folder of each model by role: `semantic` and `background` of a likelihood ratio. `loadDetector` gives
   * the opened models to the method's maker under the same roles. May be left out for a method without models.
   */
  models?: Readonly<Record<string, string>> | undefined
  /**
   * `false` (default): the model folders are copied into the detector's, which can then be moved and sent. `true`: they
   * stay where they are and the detector keeps their relative path and the hash of every file.
   */
  link?: boolean | undefined
}

/** A detector, as `detector(...)` and `restoreDetector(...)` give it. */
export interface Storable {
  readonly method: { readonly name: string; readonly models?: Readonly<Record<string, object>> }
  toJSON(): StoredDetector
}

const STALE_MS = 3_600_000

/**
 * Saves a detector of any method as a folder:
 *
 *     detector.json      the stored form of `toJSON`, and modelFolders: role -> folder or link, SHA-256 of every file
 *     models/<hash>/     the model folders, file by file
 *
 * `loadDetector` gives the same scores to the last bit or refuses: a model folder must hold the files that are listed, as
 * they were, and no other. Nothing in the folder is code. A new folder is written under another name and renamed; over an
 * older detector the new models are put beside the old ones and `detector.json` is replaced last. A killed save therefore
 * leaves what was there before, and at worst files under temporary names, which a later save removes once they are an
 * hour old.
 *
 * Cost: reads the models three times, writes them once.
 *
 * @param folder - a new folder, an empty one, or one with a stored detector, which is replaced
 * @throws OodError `E_FILE` for models that cannot be read and folders of other things, `E_ARGUMENT` for role names, or
 *   no model folder for a method that has models
 * @example
 * import { saveDetector } from '@ood/detect/node'
 * await saveDetector(ratio, 'detectors/fmnist', {
 *   models: { semantic: checkpointPath('pixelcnn-fmnist'), background: checkpointPath('pixelcnn-fmnist-background') },
 * })
 */
export async function saveDetector(
  detector: Storable,
  folder: string,
  options: SaveDetectorOptions = {},
): Promise<void> {
  const { models = {}, link = false } = options
  const roles = Object.keys(detector.method.models ?? {})
  if (roles.length > 0 && Object.keys(models).length === 0)
    throw new OodError('E_ARGUMENT', `saveDetector models: expected a folder for each of ${roles.join(', ')}, got none`)
  if (Object.keys(models).length > MAX_MODELS)
    throw mismatch('E_ARGUMENT', 'saveDetector models', `at most ${MAX_MODELS}`, Object.keys(models).length)
  const state = JSON.parse(JSON.stringify(detector)) as StoredDetector
  const target = resolve(folder)
  const sources = await readSources(models)
  const exists = await isDetectorFolder(target)
  try {
    await makeFolder(dirname(target))
    await removeStale(dirname(target), `${basename(target)}.partial-`)
    const modelFolders = await entriesOf(sources, link ? await linkBase(target, exists) : null)
    const text = `${JSON.stringify({ ...state, modelFolders }, null, 2)}\n`
    if (exists) await replaceDetector(target, sources, link, text)
    else await writeNew(target, sources, link, text)
  } catch (cause) {
    throw fileError(folder, 'a place to write a detector', cause)
  }
}

/** One model folder to be stored; roles may share one. */
interface Source {
  folder: string
  roles: string[]
  files: Record<string, string>
  /** Hash of all names and hashes: its name in the detector's folder. */
  id: string
}

async function readSources(models: Readonly<Record<string, string>>): Promise<Source[]> {
  const sources = new Map<string, Source>()
  for (const [role, folder] of Object.entries(models)) {
    if (!ROLE.test(role)) throw mismatch('E_ARGUMENT', 'model role', 'letters, digits, dots and dashes', role)
    const files: Record<string, string> = {}
    for (const name of await listFiles(folder)) files[name] = await fileSha256(join(folder, name))
    const id = sha256(JSON.stringify(files)).slice(0, 16)
    const known = sources.get(`${id} ${resolve(folder)}`)
    if (known) known.roles.push(role)
    else sources.set(`${id} ${resolve(folder)}`, { folder, roles: [role], files, id })
  }
  return [...sources.values()]
}

/** The real path of the detector's folder, there or not: what relative links begin at. */
async function linkBase(target: string, exists: boolean): Promise<string> {
  return exists ? await realpath(target) : join(await realpath(dirname(target)), basename(target))
}

async function entriesOf(sources: Source[], linkBase: string | null): Promise<Record<string, ModelFolder>> {
  const entries: Record<string, ModelFolder> = {}
  for (const { folder, roles, files, id } of sources) {
    const place =
      linkBase === null
        ? { folder: `models/${id}` }
        : {
            link: relative(linkBase, await realpath(folder))
              .split(sep)
              .join('/'),
          }
    for (const role of roles) entries[role] = { ...place, files }
  }
  return entries
}

/** False for no folder; true for one that may be replaced; throws for one that holds other things. */
async function isDetectorFolder(target: string): Promise<boolean> {
  const names = await readdir(target).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw fileError(target, 'a folder', cause)
  })
  if (names === undefined) return false
  // What a killed save leaves of a folder that was empty may be saved to again.
  const other = names.find((name) => name !== 'models' && !isPart(name))
  if (other !== undefined && !names.includes(DETECTOR_FILE))
    throw mismatch('E_FILE', target, 'a new folder or a stored detector', `a folder with ${other}`)
  return true
}

async function writeNew(target: string, sources: Source[], link: boolean, text: string): Promise<void> {
  const part = `${target}.partial-${randomBytes(6).toString('hex')}`
  try {
    await mkdir(part)
    if (!link) await addModels(part, sources)
    await writeFileAtomic(join(part, DETECTOR_FILE), text)
    await rename(part, target)
    await flush(dirname(target))
  } catch (cause) {
    await rm(part, { recursive: true, force: true }).catch(() => undefined)
    throw cause
  }
}

async function replaceDetector(target: string, sources: Source[], link: boolean, text: string): Promise<void> {
  await removeStale(target)
  if (!link) await addModels(target, sources)
  await writeFileAtomic(join(target, DETECTOR_FILE), text)
  // The new detector is in place; models only the old one named can go.
  const kept = new Set(link ? [] : sources.map(({ id }) => id))
  const stored = await readdir(join(target, 'models')).catch(() => [])
  for (const name of stored)
    if (/^[0-9a-f]{16}$/.test(name) && !kept.has(name))
      await rm(join(target, 'models', name), { recursive: true, force: true })
}

/** Puts the models into `models/<id>`, each under another name first. */
async function addModels(target: string, sources: Source[]): Promise<void> {
  if (sources.length === 0) return
  const models = join(target, 'models')
  await makeFolder(models)
  await removeStale(models, 'partial-')
  for (const { folder, files, id } of sources) {
    const place = join(models, id)
    if (await holds(place, files)) continue
    const part = join(models, `partial-${randomBytes(6).toString('hex')}`)
    try {
      await mkdir(part)
      await copyFiles(folder, part, Object.keys(files))
      if (!(await holds(part, files))) throw mismatch('E_FILE', folder, 'a model folder at rest', 'one that changes')
      await rm(place, { recursive: true, force: true })
      await rename(part, place)
    } catch (cause) {
      await rm(part, { recursive: true, force: true }).catch(() => undefined)
      throw cause
    }
  }
  await flush(models)
}

/** Whether a folder holds these files as they are, and no other. */
async function holds(folder: string, files: Record<string, string>): Promise<boolean> {
  const found = await listFiles(folder).catch(() => [])
  if (found.length !== Object.keys(files).length) return false
  for (const [name, hash] of Object.entries(files))
    if ((await fileSha256(join(folder, name)).catch(() => '')) !== hash) return false
  return true
}

/** A `detector.json` under a temporary name, of today's or of an older version. */
function isPart(name: string): boolean {
  return name.startsWith(`${DETECTOR_FILE}.`) && (name.endsWith(PART) || /\.partial-[0-9a-f]{12}$/.test(name))
}

/**
 * Removes what killed saves left an hour ago or earlier, younger leftovers may belong to a save at work: names of a
 * prefix and twelve hex digits, or temporary names of `detector.json`.
 */
async function removeStale(folder: string, prefix?: string): Promise<void> {
  const left = (name: string): boolean =>
    prefix === undefined ? isPart(name) : name.startsWith(prefix) && /^[0-9a-f]{12}$/.test(name.slice(prefix.length))
  for (const name of await readdir(folder)) {
    if (!left(name)) continue
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (info && Date.now() - info.mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true })
  }
}
