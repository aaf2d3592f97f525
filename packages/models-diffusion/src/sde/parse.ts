// The process a manifest names, checked field by field.
import { type DiffusionProcess, mismatch, unknownName } from '@ood/core'
import { type DdpmOptions, ddpm } from './ddpm.ts'
import { ve, veExponential } from './ve.ts'
import { subVp, vp } from './vp.ts'

/** A process by name with its parameters, as in a manifest: `{ name: 'vp', betaMin: 0.1, betaMax: 20, T: 1 }`. */
export interface SdeSpec {
  name: string
  [parameter: string]: unknown
}

const NUMBERS: Record<string, readonly string[]> = {
  vp: ['betaMin', 'betaMax', 'T', 'tMin'],
  'sub-vp': ['betaMin', 'betaMax', 'T', 'tMin'],
  ve: ['sigmaMin', 'sigmaMax', 'T', 'tMin'],
  've-exponential': ['gMin', 'gMax', 'T', 'tMin'],
  ddpm: ['steps', 'betaStart', 'betaEnd'],
}

/**
 * Builds the process of a manifest's `sde` entry. Names: `vp`, `sub-vp`, `ve`, `ve-exponential`, `ddpm`; parameters are
 * those of the functions of the same name, missing ones take their defaults.
 *
 * @throws OodError `E_UNKNOWN_NAME` for a name, `E_MANIFEST` for a parameter that is unknown or no number
 * @example
 * const sde = parseSde({ name: 'vp', betaMin: 0.1, betaMax: 20, T: 1 })
 */
export function parseSde(spec: SdeSpec, what = 'sde'): DiffusionProcess {
  const known = Object.hasOwn(NUMBERS, spec.name) ? NUMBERS[spec.name]! : undefined
  if (!known) throw unknownName(`${what}.name`, String(spec.name), Object.keys(NUMBERS))
  const numbers: Record<string, number> = {}
  for (const [key, value] of Object.entries(spec)) {
    if (key === 'name') continue
    if (known.includes(key)) {
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw mismatch('E_MANIFEST', `${what}.${key}`, 'a number', value)
      numbers[key] = value
    } else if (!(spec.name === 'ddpm' && (key === 'schedule' || key === 'betas')))
      throw mismatch('E_MANIFEST', what, `parameters ${known.join(', ')}`, key)
  }
  if (spec.name === 'vp') return vp(numbers)
  if (spec.name === 'sub-vp') return subVp(numbers)
  if (spec.name === 've') return ve(numbers)
  if (spec.name === 've-exponential') return veExponential(numbers)
  return ddpm({ ...numbers, ...discrete(spec, what) })
}

function discrete(spec: SdeSpec, what: string): DdpmOptions {
  const out: DdpmOptions = {}
  if (spec.schedule !== undefined) {
    const name = spec.schedule === 'squaredcos_cap_v2' ? 'cosine' : spec.schedule
    if (name !== 'linear' && name !== 'scaled_linear' && name !== 'cosine')
      throw unknownName(`${what}.schedule`, String(name), ['linear', 'scaled_linear', 'cosine'])
    out.schedule = name
  }
  if (spec.betas !== undefined) {
    if (!Array.isArray(spec.betas) || !spec.betas.every((value) => typeof value === 'number'))
      throw mismatch('E_MANIFEST', `${what}.betas`, 'a list of numbers', spec.betas)
    out.betas = spec.betas
  }
  return out
}
