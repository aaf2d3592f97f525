// What the methods of this package share: rows in the space of a model's density, and their probe as a measurement.
import { type DensityModel, mismatch, type NdArray, OodError } from '@ood/core'
import { describedBy, type Measurement, type MeasureOptions, type Method, measurement, vector } from '@ood/detect'
import { noFit } from './no-fit.ts'

/** A probe of the density at rows of its own space: one number a row. */
export type Probe = (x: NdArray, call: MeasureOptions) => Promise<Float64Array>

/** How a probe becomes a method. */
export interface ProbeMethod {
  name: string
  source: string
  settings: Readonly<Record<string, unknown>>
  /** Name of the column. */
  column: string
  probe: Probe
  /** Score of a number of the column; higher = more OOD. */
  score(value: number): number
}

/** Throws unless `model` has a density. */
export function assertDensityModel(what: string, model: DensityModel): void {
  if (typeof model?.density?.logProb !== 'function')
    throw mismatch('E_ARGUMENT', `${what} model`, 'a model with a density, such as a flow', model)
}

/** Rows of `x` in the space of the density, with the noise that any call of equal seed and keys has. */
export async function densityRows(model: DensityModel, x: NdArray, call: MeasureOptions): Promise<NdArray> {
  const { seed, rows, signal } = call
  return model.preprocess ? await model.preprocess(x, { seed, rows, signal }) : x
}

/** A measurement of rows in the density's space. */
export function densityMeasurement(
  model: DensityModel,
  { name, settings, column, probe }: Pick<ProbeMethod, 'name' | 'settings' | 'column' | 'probe'>,
): Measurement {
  return measurement(name, [model], settings, [column], async (x, call = {}) => {
    const { seed, rows, signal, onProgress } = call
    const found = await probe(await densityRows(model, x, call), { seed, rows, signal, onProgress })
    const bad = found.findIndex(Number.isNaN)
    if (bad >= 0) throw new OodError('E_NOT_FINITE', `${name}: expected numbers, got NaN in row ${bad}`)
    return { [column]: found }
  })
}

/** The method that scores a probe and learns nothing. */
export function probeMethod(model: DensityModel, parts: ProbeMethod): Method<null> {
  assertDensityModel(parts.name, model)
  const needs = { probe: densityMeasurement(model, parts) }
  return {
    name: parts.name,
    source: parts.source,
    settings: parts.settings,
    models: { model },
    data: describedBy([model]),
    ...noFit,
    needs: () => needs,
    score: (columns) => vector(columns, `probe.${parts.column}`).map(parts.score),
  }
}
