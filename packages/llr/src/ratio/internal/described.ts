// What a model says about its data, where it says anything: shape of a row and value range.
import { type LikelihoodModel, mismatch } from '@ood/core'
import type { DecisionState } from '../decision-state.ts'
import {
  type DetectorOptions,
  type OutlierDetector,
  type OutlierDetectorSpec,
  outlierDetector,
} from '../outlier-detector.ts'

/** Shape and range of the data of a model, where known. */
export interface Described {
  dataShape?: readonly number[]
  valueRange?: readonly [number, number]
}

/** Reads `dataShape`, `low` and `high`, or a checkpoint manifest's `data`; unusable values count as absent. */
export function describedBy(model: LikelihoodModel): Described {
  const { dataShape, low, high, manifest } = model as {
    dataShape?: unknown
    low?: unknown
    high?: unknown
    manifest?: { data?: { shape?: unknown; valueRange?: unknown } }
  }
  const shape = [dataShape, manifest?.data?.shape].find(isShape)
  const range = [[low, high], manifest?.data?.valueRange].find(isRange)
  return { ...(shape ? { dataShape: shape } : {}), ...(range ? { valueRange: range } : {}) }
}

/** What models say together; throws `E_ARGUMENT` when they disagree. */
export function describedByAll(what: string, models: readonly LikelihoodModel[]): Described {
  const together: Described = {}
  for (const model of models) {
    const { dataShape, valueRange } = describedBy(model)
    if (dataShape && together.dataShape && dataShape.join() !== together.dataShape.join())
      throw mismatch('E_ARGUMENT', `${what} models`, `rows of one shape [${together.dataShape}]`, `[${dataShape}]`)
    if (valueRange && together.valueRange && valueRange.join() !== together.valueRange.join())
      throw mismatch('E_ARGUMENT', `${what} models`, `values in one range [${together.valueRange}]`, `[${valueRange}]`)
    if (dataShape) together.dataShape = dataShape
    if (valueRange) together.valueRange = valueRange
  }
  return together
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n > 0)
}

function isRange(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1]
}

/** An outlier detector over models, with the shape and range of their data. */
export function describedDetector(
  name: string,
  models: readonly LikelihoodModel[],
  options: DetectorOptions,
  state: DecisionState | undefined,
  scores: OutlierDetectorSpec['scores'],
): OutlierDetector {
  for (const [k, model] of models.entries())
    if (typeof model?.logProb !== 'function')
      throw mismatch('E_ARGUMENT', `${name} model${models.length > 1 ? ` ${k}` : ''}`, 'a model with logProb', model)
  const known = describedByAll(name, models)
  const dataShape = options.dataShape ?? known.dataShape
  const valueRange = options.valueRange ?? known.valueRange
  const given = { ...(dataShape ? { dataShape } : {}), ...(valueRange ? { valueRange } : {}) }
  return outlierDetector({ ...options, ...given, name, scores }, state)
}
