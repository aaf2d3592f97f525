// The one form in which a fitted detector is stored: plain JSON, checked field by field on reading.
import { canonicalJson, isNestedDeeper, mismatch, type OodError } from '@ood/core'
import type { DataProfile } from './data-profile.ts'
import { isStorable, modelKey } from './measurement.ts'
import type { Method } from './method.ts'
import { unpackNumbers } from './pack.ts'

/** A state is a handful of levels; checks and writing go through them one call a level. */
const MAX_DEPTH = 100

/** Where reference scores come from. */
export type ReferenceRows = 'training' | 'threshold' | 'calibration'

const REFERENCE: readonly unknown[] = ['training', 'threshold', 'calibration']

/** A detector as plain JSON. The models are given again on loading; whoever stores them beside it adds `models`. */
export interface StoredDetector {
  format: 'ood-detector'
  schemaVersion: 2
  /** Version of this package that wrote it. */
  version: string
  method: { name: string; settings: Readonly<Record<string, unknown>> }
  /** Identity (`modelKey`) of the model in each role; a restored detector must have the same. */
  models: Readonly<Record<string, string>>
  /** What the method learnt; null before `fit`. */
  fit: unknown
  /** Reference scores, ascending, packed (`packNumbers`); null before there are any. */
  reference: string | null
  /** Whose scores the reference is: of training rows (`fit`), of `inferThreshold`'s, of `calibrate`'s. */
  referenceOf: ReferenceRows | null
  threshold: number | null
  /** Which scores the threshold cuts. */
  outlierType: 'instance' | 'feature'
  /** `reference`: p-values as in the reference library. */
  compat: 'reference' | null
  dataType: string | null
  data: DataProfile
}

/**
 * Checks parsed JSON of a stored detector.
 *
 * @throws OodError `E_FILE` naming the field, what was expected and what was found
 * @example
 * const state = parseStored(JSON.parse(text))
 */
export function parseStored(value: unknown): StoredDetector {
  const fields = record('', value)
  if (isNestedDeeper(value, MAX_DEPTH)) throw wrongField('', `JSON of at most ${MAX_DEPTH} levels`, 'a deeper one')
  if (fields.format !== 'ood-detector') throw wrongField('format', 'ood-detector', fields.format)
  if (fields.schemaVersion !== 2) throw wrongField('schemaVersion', '2', fields.schemaVersion)
  const { version, reference, referenceOf, threshold, outlierType, compat = null, dataType } = fields
  const method = record('method', fields.method)
  if (typeof version !== 'string') throw wrongField('version', 'text', version)
  if (typeof method.name !== 'string') throw wrongField('method.name', 'text', method.name)
  if (reference !== null) {
    if (unpackNumbers('detector state reference', reference).length === 0)
      throw wrongField('reference', 'at least one score or null', 'none')
  }
  if (reference === null ? referenceOf !== null : !REFERENCE.includes(referenceOf))
    throw wrongField('referenceOf', reference === null ? 'null without reference' : REFERENCE.join(' or '), referenceOf)
  if (threshold !== null && !Number.isFinite(threshold))
    throw wrongField('threshold', 'a finite number or null', threshold)
  if (outlierType !== 'instance' && outlierType !== 'feature')
    throw wrongField('outlierType', 'instance or feature', outlierType)
  if (compat !== null && compat !== 'reference') throw wrongField('compat', 'reference or null', compat)
  if (dataType !== null && typeof dataType !== 'string') throw wrongField('dataType', 'text or null', dataType)
  if (!Object.hasOwn(fields, 'fit')) throw wrongField('fit', 'what the method learnt, or null', 'nothing')
  return {
    format: 'ood-detector',
    schemaVersion: 2,
    version,
    method: { name: method.name, settings: record('method.settings', method.settings) },
    models: keysOf(fields.models),
    fit: fields.fit,
    reference: reference as string | null,
    referenceOf: referenceOf as ReferenceRows | null,
    threshold: threshold as number | null,
    outlierType,
    compat,
    dataType,
    data: parseProfile(fields.data),
  }
}

/**
 * Throws `E_FILE` unless the state is of this method with these settings, `E_ARGUMENT` unless its models are the stored
 * ones (models without a manifest have no identity and pass).
 */
export function assertSameMethod(
  state: Pick<StoredDetector, 'method' | 'models'>,
  method: Pick<Method, 'name' | 'settings' | 'models'>,
): void {
  if (state.method.name !== method.name) throw wrongField('method.name', method.name, state.method.name)
  const [wanted, found] = [canonicalJson(method.settings), canonicalJson(state.method.settings)]
  if (wanted !== found) throw wrongField('method.settings', wanted, found)
  for (const [role, model] of Object.entries(method.models ?? {})) {
    const [key, stored] = [modelKey(model), state.models[role]]
    if (stored !== undefined && isStorable(stored) && isStorable(key) && stored !== key)
      throw mismatch('E_ARGUMENT', `detector model ${role}`, stored, key)
  }
}

/** Identities of a method's models by role. */
export function modelKeys(method: Pick<Method, 'models'>): Record<string, string> {
  return Object.fromEntries(Object.entries(method.models ?? {}).map(([role, model]) => [role, modelKey(model)]))
}

function keysOf(value: unknown): Record<string, string> {
  const keys = record('models', value)
  for (const [role, key] of Object.entries(keys))
    if (typeof key !== 'string') throw wrongField(`models.${role}`, 'text', key)
  return keys as Record<string, string>
}

/** `E_FILE` for a field of a stored detector. */
export function wrongField(field: string, expected: string, got: unknown): OodError {
  return mismatch('E_FILE', `detector state ${field}`.trim(), expected, got)
}

function parseProfile(value: unknown): DataProfile {
  const { shape, valueRange, rangeSource, wholeNumbers } = record('data', value)
  const sizes = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.length <= 16 && list.every((n) => Number.isSafeInteger(n) && n > 0)
  if (shape !== null && !sizes(shape)) throw wrongField('data.shape', 'sizes or null', shape)
  const pair = (list: unknown): list is [number, number] =>
    Array.isArray(list) && list.length === 2 && list.every(Number.isFinite) && list[0] <= list[1]
  if (valueRange !== null && !pair(valueRange))
    throw wrongField('data.valueRange', '[smallest, largest] or null', valueRange)
  if (rangeSource !== null && rangeSource !== 'given' && rangeSource !== 'learnt' && rangeSource !== 'any')
    throw wrongField('data.rangeSource', 'given, learnt, any or null', rangeSource)
  if ((valueRange === null) === (rangeSource === 'given' || rangeSource === 'learnt'))
    throw wrongField('data.rangeSource', valueRange ? 'given or learnt' : 'any or null', rangeSource)
  if (wholeNumbers !== null && typeof wholeNumbers !== 'boolean')
    throw wrongField('data.wholeNumbers', 'true, false or null', wholeNumbers)
  return { shape, valueRange, rangeSource, wholeNumbers }
}

function record(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongField(field, 'an object', value)
  return value as Record<string, unknown>
}
