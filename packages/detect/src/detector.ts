// What users hold: a method with what it learnt, its threshold and its reference scores. The only detector there is.
import { assertOptions, flatData, mismatch, type NdArray, OodError, type Prediction, rowCount } from '@ood/core'
import { assertScores, assertTarget, type Calibration, calibration } from './calibration.ts'
import { type Columns, columnRows } from './columns.ts'
import { assertProfile, givenProfile, learnProfile } from './data-profile.ts'
import type {
  DetectorOptions,
  DetectorTarget,
  Measured,
  OodDetector,
  OutlierType,
  PredictionRequest,
} from './detector-types.ts'
import { VERSION } from './internal/version.ts'
import { type MeasureOptions, measureNeeds } from './measurement.ts'
import { fitMethod, type Method, measure } from './method.ts'
import { packNumbers, unpackNumbers } from './pack.ts'
import { assertSameMethod, modelKeys, parseStored, type ReferenceRows, type StoredDetector } from './stored.ts'

/**
 * A detector of a method: fit on training rows, threshold and p-values from held-out rows, predictions.
 *
 * - Rows are measured by the method's models; whoever has the columns already passes `{ columns }` instead.
 * - `predict`: `isOutlier` = 1 where score > threshold, strictly; `pValue` counts in the reference scores.
 * - The first rows seen fix the shape and value range of the data, unless given; other data is refused from then on.
 *
 * Errors of the calls: `E_SHAPE` and `E_ARGUMENT` for other data or bad arguments, `E_NOT_FINITE` for NaN, naming the
 * row, `E_EMPTY`, `E_NOT_FITTED` before `fit`, or when `isOutlier` is asked for without a threshold.
 *
 * @param method - what to measure, fit and score
 * @example
 * const ratio = detector(likelihoodRatio({ semantic, background }))
 * await ratio.fit(trainImages)
 * await ratio.inferThreshold(heldOutImages, 0.05)
 * const { data } = await ratio.predict(images) // data.instanceScore, data.isOutlier, data.pValue
 */
export function detector<Fit, Input = NdArray>(
  method: Method<Fit, Input>,
  options: DetectorOptions = {},
): OodDetector<Fit, Input> {
  return build(method, options)
}

/**
 * A detector from its stored state; scores are the same to the last bit where the models are.
 *
 * @param state - `JSON.parse` of what `JSON.stringify(detector)` wrote
 * @param method - the same method with the same models
 * @throws OodError `E_FILE` naming the field that is wrong, or when the state is of another method or other settings
 * @example
 * const again = restoreDetector(JSON.parse(text), likelihoodRatio({ semantic, background }))
 */
export function restoreDetector<Fit, Input = NdArray>(
  state: unknown,
  method: Method<Fit, Input>,
): OodDetector<Fit, Input> {
  const stored = parseStored(state)
  assertSameMethod(stored, method)
  const { compat, dataType } = stored
  return build(method, { compat: compat ?? undefined, dataType: dataType ?? undefined }, stored)
}

function build<Fit, Input>(
  method: Method<Fit, Input>,
  options: DetectorOptions,
  state?: StoredDetector,
): OodDetector<Fit, Input> {
  const { name } = method
  assertOptions(`${name} detector`, options, ['threshold', 'outlierType', 'dataType', 'data', 'compat'])
  const { compat, dataType = null } = options
  if (options.threshold !== undefined && !Number.isFinite(options.threshold))
    throw mismatch('E_ARGUMENT', `${name} threshold`, 'a finite number', options.threshold)
  let learnt = state && state.fit !== null ? method.parseFit(state.fit) : method.initial
  let threshold = state ? state.threshold : (options.threshold ?? null)
  let outlierType = assertType(state?.outlierType ?? options.outlierType ?? 'instance')
  let known: Calibration | null = state?.reference
    ? calibration(unpackNumbers('detector state reference', state.reference), { compat })
    : null
  let referenceOf: ReferenceRows | null = state?.referenceOf ?? null
  let profile =
    state?.data ??
    givenProfile(options.data?.dataShape ?? method.data?.dataShape, options.data?.valueRange ?? method.data?.valueRange)

  const fitted = (): Fit => {
    if (learnt === undefined) throw new OodError('E_NOT_FITTED', `${name}: expected fit before use`)
    return learnt
  }
  const assertData = (x: Input): void => {
    if (isBatch(x)) assertProfile(`${name} data`, x, profile)
  }
  const learn = (x: Input | Measured): void => {
    if (!isMeasured(x) && isBatch(x)) profile = learnProfile(x, profile)
  }
  const columnsOf = async (x: Input | Measured, call: MeasureOptions, fit?: Fit): Promise<Columns> => {
    if (isMeasured(x)) return x.columns
    assertData(x)
    return await measure(method, x, call, fit)
  }
  const scoreColumns = (columns: Columns): Float64Array => {
    const n = columnRows(columns)
    if (n === 0) return new Float64Array(0)
    const scores = method.score(columns, fitted())
    if (scores.length !== n) throw mismatch('E_SHAPE', `${name} scores`, `${n} rows`, scores.length)
    assertScores(`${name} scores`, scores)
    return scores
  }
  const features = (columns: Columns, needed: boolean): NdArray<Float64Array> | null => {
    const map = columnRows(columns) === 0 ? null : (method.featureScore?.(columns, fitted()) ?? null)
    if (needed && !map && columnRows(columns) > 0) throw noFeatures(name)
    return map
  }
  const measured = async (x: Input | Measured, call: MeasureOptions = {}): Promise<Columns> =>
    await columnsOf(x, call, fitted())
  const someRows = (x: Input): Input => {
    if (isBatch(x) && rowCount(x) === 0)
      throw new OodError('E_EMPTY', `${name} training data: expected at least one row, got none`)
    return x
  }
  const some = (columns: Columns, what: string): Columns => {
    if (columnRows(columns) === 0) throw new OodError('E_EMPTY', `${name} ${what}: expected at least one row, got none`)
    return columns
  }

  return {
    name,
    method,
    get learnt() {
      return learnt
    },
    get threshold() {
      return threshold
    },
    get outlierType() {
      return outlierType
    },
    get calibration() {
      return known
    },
    get data() {
      return structuredClone(profile)
    },
    async fit(train, call = {}) {
      if (!isMeasured(train)) assertData(train)
      const found = isMeasured(train)
        ? { fit: method.fit(some(train.columns, 'training data')), columns: train.columns }
        : await fitMethod(method, (needs) => measureNeeds(needs, someRows(train), call))
      learnt = found.fit
      threshold = null
      referenceOf = 'training'
      known = calibration(method.trainingScore?.(found.columns, found.fit) ?? scoreColumns(found.columns), { compat })
      learn(train)
    },
    async calibrate(heldOut, call) {
      known = calibration(scoreColumns(some(await measured(heldOut, call), 'calibration data')), { compat })
      referenceOf = 'calibration'
      learn(heldOut)
    },
    async inferThreshold(heldOut, target, call) {
      const { outlierType: type = 'instance', ...cut } =
        typeof target === 'number'
          ? { falsePositiveRate: target }
          : (target as Exclude<DetectorTarget, number> & { outlierType?: OutlierType })
      assertTarget(cut)
      assertType(type)
      const columns = some(await measured(heldOut, call), 'threshold data')
      const scores = scoreColumns(columns)
      const found = calibration(scores, { compat })
      threshold = (type === 'instance' ? found : calibration(flatData(features(columns, true)!))).threshold(cut)
      outlierType = type
      if (cut.percentile === undefined && referenceOf !== 'calibration') {
        known = found
        referenceOf = 'threshold'
      }
      learn(heldOut)
      return threshold
    },
    measure: (x, call) => measured(x, call),
    async score(x, call) {
      return scoreColumns(await measured(x, call))
    },
    async featureScore(x, call) {
      return features(await measured(x, call), false)
    },
    async explain(x, call) {
      const { explain } = method
      if (!explain)
        throw new OodError('E_UNSUPPORTED', `${name} explain: expected a method that has parts, got one score`)
      return explain(await measured(x, call), fitted())
    },
    async predict(x, request = {}) {
      const {
        outlierType: _,
        returnInstanceScore: __,
        returnFeatureScore: ___,
        returnIsOutlier: ____,
        ...call
      } = request
      const columns = await measured(x, call)
      return predictionOf(columns, request)
    },
    pValues: (scores) => known?.pValues(scores) ?? null,
    assertData,
    toJSON: () => ({
      format: 'ood-detector',
      schemaVersion: 2,
      version: VERSION,
      method: { name, settings: method.settings },
      models: modelKeys(method),
      fit: learnt ?? null,
      reference: known ? packNumbers(known.scores) : null,
      referenceOf,
      threshold,
      outlierType,
      compat: compat ?? null,
      dataType,
      data: structuredClone(profile),
    }),
  }

  function predictionOf(columns: Columns, request: PredictionRequest): Prediction {
    const type = assertType(request.outlierType ?? outlierType)
    const wanted = request.returnIsOutlier ?? (compat ? true : threshold !== null)
    const limit = threshold
    if (wanted && limit === null)
      throw new OodError('E_NOT_FITTED', `${name} isOutlier: expected a threshold (inferThreshold), got none`)
    if (wanted && type !== outlierType)
      throw mismatch('E_ARGUMENT', `${name} outlierType`, `${outlierType}, what the threshold was inferred for`, type)
    const scores = scoreColumns(columns)
    const needed = request.returnFeatureScore === true || (wanted && type === 'feature')
    const map = needed || request.returnFeatureScore !== false ? features(columns, needed) : null
    const cuts = type === 'instance' ? scores : map ? flatData(map) : new Float64Array(0)
    return {
      meta: { name, online: false, dataType, version: VERSION, detectorType: 'outlier' },
      data: {
        instanceScore: request.returnInstanceScore === false ? null : scores,
        featureScore: request.returnFeatureScore === false ? null : map,
        isOutlier: wanted ? Uint8Array.from(cuts, (value) => (value > limit! ? 1 : 0)) : null,
        pValue: known?.pValues(scores) ?? null,
        threshold: limit,
      },
    }
  }
}

function isMeasured(x: unknown): x is Measured {
  return typeof x === 'object' && x !== null && 'columns' in x && !('shape' in x)
}

function isBatch(x: unknown): x is NdArray {
  return typeof x === 'object' && x !== null && Array.isArray((x as NdArray).shape)
}

function noFeatures(name: string): OodError {
  return new OodError(
    'E_UNSUPPORTED',
    `${name} feature scores: expected a detector that has them, got instance scores only`,
  )
}

function assertType(type: OutlierType): OutlierType {
  if (type !== 'instance' && type !== 'feature')
    throw mismatch('E_ARGUMENT', 'outlierType', 'instance or feature', type)
  return type
}
