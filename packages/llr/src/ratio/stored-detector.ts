// The form in which every detector is stored as JSON, and the checks on reading it back.
import { mismatch, type OodError } from '@ood/core'
import { type DecisionState, parseDecision } from './decision-state.ts'
import { VERSION } from './internal/version.ts'
import type { DetectorOptions } from './outlier-detector.ts'

/** A fitted detector as plain JSON: what it is, its decision, and the fields that detectors add. */
export interface StoredDetector extends DecisionState {
  schemaVersion: 1
  name: string
  /** Version of this package that wrote it. */
  version: string
  dataType: string | null
  compat: 'reference' | null
}

/** The stored form of a detector without fields of its own. */
export function stored<Name extends string>(
  name: Name,
  options: Pick<DetectorOptions, 'dataType' | 'compat'>,
  decision: DecisionState,
): StoredDetector & { name: Name } {
  const { dataType = null, compat = null } = options
  return { schemaVersion: 1, name, version: VERSION, dataType, compat, ...decision }
}

/** What `parseStored` found. */
export interface ParsedDetector {
  decision: DecisionState
  settings: { dataType?: string; compat?: 'reference' }
  /** The JSON object itself, for the detector's own fields. */
  fields: Readonly<Record<string, unknown>>
}

/**
 * Checks parsed JSON of a detector called `name`.
 *
 * @throws OodError `E_FILE` naming the field that is wrong, what was expected and what was found
 */
export function parseStored(value: unknown, name: string): ParsedDetector {
  const decision = parseDecision(value)
  const fields = value as Record<string, unknown>
  const { schemaVersion, version, dataType, compat } = fields
  if (schemaVersion !== 1) throw wrongField('schemaVersion', '1', schemaVersion)
  if (fields.name !== name) throw wrongField('name', name, fields.name)
  if (typeof version !== 'string') throw wrongField('version', 'text', version)
  if (dataType !== null && typeof dataType !== 'string') throw wrongField('dataType', 'text or null', dataType)
  if (compat !== null && compat !== 'reference') throw wrongField('compat', 'reference or null', compat)
  return {
    decision,
    settings: { ...(dataType === null ? {} : { dataType }), ...(compat === null ? {} : { compat }) },
    fields,
  }
}

/** `E_FILE` for a field of a stored detector. */
export function wrongField(field: string, expected: string, got: unknown): OodError {
  return mismatch('E_FILE', `detector state ${field}`, expected, got)
}
