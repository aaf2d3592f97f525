// A detector's decision (threshold, calibration scores, data profile) as JSON, and the checks on reading it back.
import { mismatch, OodError } from '@ood/core'
import type { DataProfile } from './data-profile.ts'
import { ascending } from './internal/quantiles.ts'

/** What a detector knows beyond its models, as plain JSON. */
export interface DecisionState {
  threshold: number | null
  outlierType: 'instance' | 'feature'
  /** Calibration scores, ascending: float64 little-endian in base64, exact to the last bit and half of JSON's size. */
  calibration: string | null
  /** The calibration scores come from `calibrate`, not from `inferThreshold`. */
  calibrated: boolean
  data: DataProfile
}

/** Scores as base64 of little-endian float64. */
export function packScores(scores: Float64Array): string {
  const bytes = new Uint8Array(scores.length * 8)
  const view = new DataView(bytes.buffer)
  scores.forEach((value, i) => {
    view.setFloat64(8 * i, value, true)
  })
  let text = ''
  // In pieces, since a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

/** The scores of `packScores`. Throws `E_FILE` for text that is not base64 of at least one number, or holds NaN. */
export function unpackScores(text: string): Float64Array {
  const what = 'detector state calibration'
  let binary: string
  try {
    binary = atob(text)
  } catch (cause) {
    throw new OodError('E_FILE', `${what}: expected base64, got something else`, { cause })
  }
  if (binary.length === 0 || binary.length % 8 !== 0)
    throw mismatch('E_FILE', what, 'float64 numbers (8 bytes each)', `${binary.length} bytes`)
  const view = new DataView(Uint8Array.from(binary, (char) => char.charCodeAt(0)).buffer)
  const scores = Float64Array.from({ length: binary.length / 8 }, (_, i) => view.getFloat64(8 * i, true))
  if (scores.some(Number.isNaN)) throw mismatch('E_FILE', what, 'numbers', 'NaN')
  return ascending(scores)
}

/** Checks the decision fields of parsed JSON; throws `E_FILE` naming the field. */
export function parseDecision(value: unknown): DecisionState {
  const state = record('', value)
  const { threshold, outlierType, calibration, calibrated } = state
  if (threshold !== null && !Number.isFinite(threshold)) throw wrong('threshold', 'a finite number or null', threshold)
  if (outlierType !== 'instance' && outlierType !== 'feature')
    throw wrong('outlierType', 'instance or feature', outlierType)
  if (calibration !== null && typeof calibration !== 'string')
    throw wrong('calibration', 'base64 text or null', calibration)
  if (typeof calibrated !== 'boolean') throw wrong('calibrated', 'true or false', calibrated)
  if (calibration !== null) unpackScores(calibration)
  return { threshold: threshold as number | null, outlierType, calibration, calibrated, data: parseProfile(state.data) }
}

function parseProfile(value: unknown): DataProfile {
  const { shape, valueRange, rangeSource, wholeNumbers } = record('data', value)
  const sizes = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.length <= 16 && list.every((n) => Number.isSafeInteger(n) && n > 0)
  if (shape !== null && !sizes(shape)) throw wrong('data.shape', 'sizes or null', shape)
  const pair = (list: unknown): list is [number, number] =>
    Array.isArray(list) && list.length === 2 && list.every(Number.isFinite) && list[0] <= list[1]
  if (valueRange !== null && !pair(valueRange))
    throw wrong('data.valueRange', '[smallest, largest] or null', valueRange)
  if (rangeSource !== null && rangeSource !== 'given' && rangeSource !== 'learnt' && rangeSource !== 'any')
    throw wrong('data.rangeSource', 'given, learnt, any or null', rangeSource)
  if ((valueRange === null) === (rangeSource === 'given' || rangeSource === 'learnt'))
    throw wrong('data.rangeSource', valueRange ? 'given or learnt' : 'any or null', rangeSource)
  if (wholeNumbers !== null && typeof wholeNumbers !== 'boolean')
    throw wrong('data.wholeNumbers', 'true, false or null', wholeNumbers)
  return { shape, valueRange, rangeSource, wholeNumbers }
}

function record(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object', value)
  return value as Record<string, unknown>
}

function wrong(field: string, expected: string, got: unknown): OodError {
  return mismatch('E_FILE', `detector state ${field}`.trim(), expected, got)
}
