// Reads a detector folder: its manifest bounded and checked, its models hashed before they are opened.
import { join, resolve } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { fileSha256, insideFolder, readBounded } from '@ood/core/node'
import { restoreDetector } from '../detector.ts'
import type { OodDetector } from '../detector-types.ts'
import { VERSION } from '../internal/version.ts'
import type { Method } from '../method.ts'
import { parseStored } from '../stored.ts'
import { listFiles } from './files.ts'
import { DETECTOR_FILE, type ModelFolder, parseManifest } from './manifest.ts'

/** Opens the model in a folder: `openPixelCnn`, `openFlow` ... `role` says which of the detector's models it is. */
export type OpenModel<Model extends object = object> = (folder: string, role: string) => Model | Promise<Model>

/** Gives the method of a stored name and settings over its models, by the roles they were saved under. */
export type MakeMethod<Model extends object = object> = (
  name: string,
  settings: Readonly<Record<string, unknown>>,
  models: Readonly<Record<string, Model>>,
) => Method | Promise<Method>

/** How a detector folder is read. */
export interface DetectorFolderOptions<Model extends object = object> {
  /** Opens a model folder: this package has no inference engine. Needed where the folder names models. */
  openModel?: OpenModel<Model> | undefined
  /** Folder that linked models must lie in, links followed. Without it a detector with linked models is refused. */
  root?: string | undefined
  /** Largest `detector.json` accepted, in bytes (default 64 MB: about six million reference scores). */
  maxBytes?: number | undefined
  /** Told in one line when another version of this package wrote the detector. */
  onWarning?: ((line: string) => void) | undefined
}

/** Options of `loadDetector`. */
export interface LoadDetectorOptions<Model extends object = object> extends DetectorFolderOptions<Model> {
  /** Brings the state that version 0.1 stored into today's form: `upgradeStored` of the package that wrote it. */
  upgrade?: ((state: unknown) => unknown) | undefined
}

/** What a detector folder holds. */
export interface DetectorFolder<Model extends object = object> {
  /** The detector's state, for `restoreDetector`. */
  state: Record<string, unknown>
  /** The opened models by role. */
  models: Record<string, Model>
  /** Releases the models that can be. */
  release(): Promise<void>
}

/** A detector as `loadDetector` gives it. */
export type LoadedDetector = OodDetector & {
  /** Releases the models that can be. */
  release(): Promise<void>
}

/**
 * Loads a detector that `saveDetector` wrote. Every file of a model folder is hashed and compared before `openModel` sees
 * the folder, and a file that is not listed is refused, so scores are those of the saved detector to the last bit, on the
 * same device. Nothing in the folder is executed, no file outside of it is read (linked models: outside of `root`).
 *
 * @param folder - holds `detector.json`
 * @param makeMethod - gives the method of the stored name and settings; it throws for names it does not know
 * @throws OodError `E_FILE` naming the file and field that are missing or wrong, `E_CHECKSUM` for an altered model; what
 *   `openModel` and `makeMethod` throw, after the models opened before are released
 * @example
 * import { loadDetector } from '@ood/detect/node'
 * const ratio = await loadDetector(
 *   'detectors/fmnist',
 *   (name, settings, { semantic, background }) => likelihoodRatio({ ...settings, semantic, background }),
 *   { openModel: (path) => openPixelCnn(path) },
 * )
 * const { data } = await ratio.predict(images)
 * await ratio.release()
 */
export async function loadDetector<Model extends object = object>(
  folder: string,
  makeMethod: MakeMethod<Model>,
  options: LoadDetectorOptions<Model> = {},
): Promise<LoadedDetector> {
  const { upgrade, ...rest } = options
  const { state, models, release } = await openDetectorFolder(folder, rest)
  try {
    const stored = parseStored(upgrade && state.format === undefined ? upgrade(state) : state)
    const method = await makeMethod(stored.method.name, stored.method.settings, models)
    return Object.assign(restoreDetector(stored, method), { release })
  } catch (cause) {
    await release().catch(() => undefined)
    if (cause instanceof OodError && cause.code === 'E_FILE')
      throw new OodError('E_FILE', `${join(folder, DETECTOR_FILE)}: ${cause.message}`, { cause })
    throw cause
  }
}

/**
 * The checked contents of a detector folder, for detectors that need more than a name, settings and models to come back.
 * Checks as `loadDetector`.
 *
 * @throws OodError `E_FILE`, `E_CHECKSUM`, `E_ARGUMENT` without an `openModel` that is needed; what `openModel` throws,
 *   after the models opened before are released
 * @example
 * const { state, models } = await openDetectorFolder('detectors/complexity', { openModel: (path) => openFlow(path) })
 * const simple = restoreDetector(state, inputComplexity(models.model, { codecs }))
 */
export async function openDetectorFolder<Model extends object = object>(
  folder: string,
  options: DetectorFolderOptions<Model> = {},
): Promise<DetectorFolder<Model>> {
  const { root, maxBytes = 2 ** 26, openModel } = options
  const file = join(folder, DETECTOR_FILE)
  const path = await insideFolder(folder, DETECTOR_FILE, file)
  const manifest = parseManifest(parseJson(await readBounded(path, maxBytes), file), file)
  const { version } = manifest.state
  if (typeof version === 'string' && version !== VERSION)
    options.onWarning?.(`${file}: written by version ${version.slice(0, 40)}, read by ${VERSION}`)
  const places = new Map<string, string>()
  for (const [role, entry] of manifest.folders) places.set(role, await checkedModel(folder, role, entry, root))
  if (places.size > 0 && !openModel)
    throw new OodError('E_ARGUMENT', `${file}: expected openModel, which opens ${[...places.keys()]}, got none`)

  const models: Record<string, Model> = {}
  const release = async (): Promise<void> => {
    for (const model of new Set(Object.values(models))) await (model as { release?: () => Promise<void> }).release?.()
  }
  try {
    for (const [role, place] of places) models[role] = await openModel!(place, role)
  } catch (cause) {
    await release().catch(() => undefined)
    throw cause
  }
  return { state: manifest.state, models, release }
}

/** The real folder of a model that holds the files recorded, as they were, and no other. */
async function checkedModel(folder: string, role: string, entry: ModelFolder, root?: string): Promise<string> {
  const what = `${join(folder, DETECTOR_FILE)} model ${role}`
  if (entry.link !== undefined && root === undefined)
    throw new OodError('E_FILE', `${what}: expected root, the folder that linked models may lie in, got none`)
  const place =
    entry.folder === undefined
      ? await insideFolder(folder, entry.link!, what, { root: resolve(root!) })
      : await insideFolder(folder, entry.folder, what)
  for (const [name, expected] of Object.entries(entry.files)) {
    const hash = await fileSha256(await insideFolder(place, name, `${what} files`))
    if (hash !== expected) throw mismatch('E_CHECKSUM', join(place, name), `sha256 ${expected}`, hash)
  }
  const unlisted = (await listFiles(place)).find((name) => !Object.hasOwn(entry.files, name))
  if (unlisted !== undefined)
    throw mismatch('E_FILE', join(place, unlisted), `a file that ${DETECTOR_FILE} lists`, 'one it does not')
  return place
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw mismatch('E_FILE', file, 'JSON', cause instanceof Error ? cause.message : cause)
  }
}
