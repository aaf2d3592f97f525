// What models say about their data, where they say anything: shape of a raw row and value range.
import { mismatch } from '@ood/core'

/** Shape and range of the data of a model, where known. */
export interface Described {
  dataShape?: readonly number[] | undefined
  valueRange?: readonly [number, number] | undefined
}

/**
 * Shape and range of the raw rows that models take: a checkpoint manifest's `data`, else `dataShape` and `low`, `high`;
 * a score model without `preprocess` takes raw rows of its `modelShape`. Unusable values count as absent.
 *
 * @throws OodError `E_ARGUMENT` when the models disagree
 * @example
 * detector(method, { data: describedBy([flow]) })
 */
export function describedBy(models: readonly object[]): Described {
  const together: Described = {}
  for (const model of models) {
    const { dataShape, valueRange } = describe(model)
    if (dataShape && together.dataShape && dataShape.join() !== together.dataShape.join())
      throw mismatch('E_ARGUMENT', 'models', `rows of one shape [${together.dataShape}]`, `[${dataShape}]`)
    if (valueRange && together.valueRange && valueRange.join() !== together.valueRange.join())
      throw mismatch('E_ARGUMENT', 'models', `values in one range [${together.valueRange}]`, `[${valueRange}]`)
    if (dataShape) together.dataShape = dataShape
    if (valueRange) together.valueRange = valueRange
  }
  return together
}

function describe(model: object): Described {
  const { dataShape, modelShape, preprocess, low, high, manifest } = model as {
    dataShape?: unknown
    modelShape?: unknown
    preprocess?: unknown
    low?: unknown
    high?: unknown
    manifest?: { data?: { shape?: unknown; valueRange?: unknown } }
  }
  const shape = [manifest?.data?.shape, dataShape, preprocess === undefined ? modelShape : undefined].find(isShape)
  const range = [manifest?.data?.valueRange, [low, high]].find(isRange)
  return { dataShape: shape, valueRange: range }
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n > 0)
}

function isRange(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1]
}
