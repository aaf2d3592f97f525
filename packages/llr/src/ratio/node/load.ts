// Reads a stored detector: its manifest bounded and checked, its models hashed before they are opened.
import { join, resolve } from 'node:path'
import { type LikelihoodModel, mismatch, OodError, unknownName } from '@ood/core'
import { fileSha256, insideFolder, readBounded } from '@ood/core/node'
import { VERSION } from '../internal/version.ts'
import { type LikelihoodRatio, likelihoodRatioFromJSON } from '../likelihood-ratio.ts'
import { type NegativeLogLikelihood, negativeLogLikelihoodFromJSON } from '../negative-log-likelihood.ts'
import { type Typicality, typicalityFromJSON } from '../typicality.ts'
import { type Waic, waicFromJSON } from '../waic.ts'
import { DETECTOR_FILE, type ModelEntry, parseManifest } from './manifest.ts'

/** Opens the model in a folder: `openPixelCnn`, `openFlow` ... `role` says which of the detector's models it is. */
export type OpenModel<Model extends LikelihoodModel = LikelihoodModel> = (
  folder: string,
  role: string,
) => Model | Promise<Model>

/** Bounds of loading. */
export interface LoadDetectorOptions {
  /** Folder that linked models must lie in, links followed. Without it a detector with linked models is refused. */
  root?: string
  /** Largest `detector.json` accepted, in bytes (default 64 MB: about six million calibration scores). */
  maxBytes?: number
  /** Told in one line when another version of this package wrote the detector. */
  onWarning?: (line: string) => void
}

/** What a detector folder holds. */
export interface DetectorFolder<Model extends LikelihoodModel = LikelihoodModel> {
  /** The detector's state, for the `...FromJSON` function of its name. */
  state: Record<string, unknown>
  /** The opened models by role. */
  models: Record<string, Model>
  /** Releases the models that can be. */
  release(): Promise<void>
}

/** A detector as `loadDetector` gives it; `name` tells which one. */
export type LoadedDetector = (LikelihoodRatio | NegativeLogLikelihood | Typicality | Waic) & {
  /** Releases the models that can be. */
  release(): Promise<void>
}

/**
 * Loads a detector that `saveDetector` wrote. Every model file is hashed and compared before `openModel` sees the folder,
 * so scores are those of the saved detector to the last bit, on the same device. Nothing in the folder is executed, no
 * file outside of it is read (linked models: outside of `root`).
 *
 * @param folder - holds `detector.json`
 * @param openModel - opens a model folder; this package has no inference engine of its own
 * @throws OodError `E_FILE` naming the file and field that are missing or wrong, `E_CHECKSUM` for an altered model,
 *   `E_UNKNOWN_NAME` for a detector of another kind (read those with `openDetectorFolder`); what `openModel` throws
 * @example
 * import { loadDetector } from '@ood/llr/node'
 * const detector = await loadDetector('detectors/fmnist', (path) => openPixelCnn(path))
 * const { data } = await detector.predict(images)
 * await detector.release()
 */
export async function loadDetector(
  folder: string,
  openModel: OpenModel,
  options: LoadDetectorOptions = {},
): Promise<LoadedDetector> {
  const opened = await openDetectorFolder(folder, openModel, options)
  try {
    const detector = restore(opened)
    const { release } = opened
    return Object.assign(detector, { release })
  } catch (cause) {
    await opened.release()
    if (cause instanceof OodError && cause.code === 'E_FILE')
      throw new OodError('E_FILE', `${join(folder, DETECTOR_FILE)}: ${cause.message}`, { cause })
    throw cause
  }
}

const RESTORE: Readonly<
  Record<string, (state: unknown, model: (role: string) => LikelihoodModel, roles: string[]) => LoadedCore>
> = {
  LLR: (state, model) =>
    likelihoodRatioFromJSON(state, { semantic: model('semantic'), background: model('background') }),
  NegativeLogLikelihood: (state, model) => negativeLogLikelihoodFromJSON(state, model('model')),
  Typicality: (state, model) => typicalityFromJSON(state, model('model')),
  WAIC: (state, model, roles) =>
    waicFromJSON(
      state,
      roles.map((_, k) => model(`model-${k}`)),
    ),
}
type LoadedCore = LikelihoodRatio | NegativeLogLikelihood | Typicality | Waic

function restore({ state, models }: DetectorFolder): LoadedCore {
  const name = String(state.name)
  if (!Object.hasOwn(RESTORE, name)) throw unknownName('stored detector', name, Object.keys(RESTORE))
  const model = (role: string): LikelihoodModel => {
    if (!Object.hasOwn(models, role))
      throw mismatch('E_FILE', `models of ${name}`, `a model ${role}`, Object.keys(models).join(', '))
    return models[role]!
  }
  return RESTORE[name]!(state, model, Object.keys(models))
}

/**
 * The checked contents of a detector folder, for detectors that need more than their models to come back, such as
 * `inputComplexityFromJSON(state, models.model, { codecs })`. Checks as `loadDetector`.
 *
 * @throws OodError `E_FILE`, `E_CHECKSUM`; what `openModel` throws, after releasing the models opened before
 * @example
 * const { state, models } = await openDetectorFolder('detectors/complexity', (path) => openFlow(path))
 */
export async function openDetectorFolder<Model extends LikelihoodModel>(
  folder: string,
  openModel: OpenModel<Model>,
  options: LoadDetectorOptions = {},
): Promise<DetectorFolder<Model>> {
  const { root, maxBytes = 2 ** 26 } = options
  const file = join(folder, DETECTOR_FILE)
  const path = await insideFolder(folder, DETECTOR_FILE, file)
  const manifest = parseManifest(parseJson(await readBounded(path, maxBytes), file), file)
  const { version } = manifest.state
  if (typeof version === 'string' && version !== VERSION)
    options.onWarning?.(`${file}: written by version ${version.slice(0, 40)}, read by ${VERSION}`)
  const places = new Map<string, string>()
  for (const [role, entry] of manifest.models) places.set(role, await checkedModel(folder, role, entry, root))

  const models: Record<string, Model> = {}
  const release = async (): Promise<void> => {
    for (const model of new Set(Object.values(models))) await (model as { release?: () => Promise<void> }).release?.()
  }
  try {
    for (const [role, place] of places) models[role] = await openModel(place, role)
  } catch (cause) {
    await release().catch(() => undefined)
    throw cause
  }
  return { state: manifest.state, models, release }
}

/** The real folder of a model all of whose files are as recorded. */
async function checkedModel(folder: string, role: string, entry: ModelEntry, root?: string): Promise<string> {
  const what = `${join(folder, DETECTOR_FILE)} models.${role}`
  if (entry.link !== undefined && root === undefined)
    throw new OodError('E_FILE', `${what}: expected root, the folder that linked models may lie in, got none`)
  const place =
    entry.folder === undefined
      ? await insideFolder(folder, entry.link!, what, { root: resolve(root!) })
      : await insideFolder(folder, entry.folder, what)
  for (const [name, expected] of Object.entries(entry.files)) {
    const hash = await fileSha256(await insideFolder(place, name, `${what}.files`))
    if (hash !== expected) throw mismatch('E_CHECKSUM', join(place, name), `sha256 ${expected}`, hash)
  }
  return place
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw mismatch('E_FILE', file, 'JSON', cause instanceof Error ? cause.message : cause)
  }
}
