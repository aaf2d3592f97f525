// Several methods as one by the sum of their log p-values: each is judged on training rows that its fit left out.
import { flatData, mean, mismatch, type NdArray, standardDeviation, tensor } from '@ood/core'
import { type Columns, columnRows } from '../columns.ts'
import { heldOutScores } from '../held-out-scores.ts'
import { logNormalTail } from '../internal/normal-tail.ts'
import type { Method } from '../method.ts'
import { wrongField } from '../stored.ts'
import { membersOf } from './members.ts'
import { varies } from './standardise.ts'

/** What one member learnt: its own fit, and the law of its score on rows that a fit left out. */
export interface FisherMember {
  name: string
  fit: unknown
  /** Whether `mean` and `standardDeviation` are of log score: scores are all positive (squared distances). */
  logarithm: boolean
  mean: number
  standardDeviation: number
}

/**
 * Score = -Σ_k log p_k, Fisher's combination (1925) of one p-value a method:
 *
 *   p_k = P(Z > (u_k - m_k) / s_k), Z standard normal, u_k the score of method k, or its logarithm where all training
 *   scores are positive; m_k and s_k mean and standard deviation of u_k over training rows, each scored by a fit that
 *   left it out (five parts).
 *
 * The logarithm of a squared distance is nearly normal, and the tail goes on ordering scores far beyond the last training
 * row. Methods on few numbers keep their voice: one Gaussian over all statistics at once lets many numbers that see
 * nothing outweigh the few that do. p-values of dependent methods do not have Fisher's law under the sum, so thresholds
 * come from calibration, as with every score.
 *
 * Cost of fitting: six fits of every method; of a score: the sum of theirs. `explain` gives -log p of every
 * method, shared among the parts that the method explains itself by.
 *
 * @param methods - by the name that `explain` shows; what they need is measured once where they share it
 * @throws OodError `E_EMPTY` for none, `E_ARGUMENT` naming a method whose score is the same for all training rows,
 *   `E_NOT_FINITE` for a training score that is not finite
 * @example
 * const method = fisherOf({ flow: gaussianOf(flowStatistics), LID: gaussianOf([lidCurve]) })
 */
export function fisherOf<Input = NdArray>(
  methods: Readonly<Record<string, Method<never, Input> | Method<unknown, Input>>>,
  { name = 'FisherOf', source = 'Fisher 1925' }: { name?: string; source?: string } = {},
): Method<FisherMember[], Input> {
  const members = Object.values(methods) as readonly Method<unknown, Input>[]
  const { labels, models, settings, needs, own } = membersOf(name, members, Object.keys(methods))
  const terms = (scores: readonly Float64Array[], fits: readonly FisherMember[]): Float64Array[] =>
    scores.map((values, k) => values.map((value) => -logNormalTail(distance(value, fits[k]!))))
  const termsOf = (columns: Columns, fits: readonly FisherMember[]): Float64Array[] =>
    terms(
      members.map((method, k) => method.score(own(k, columns), fits[k]!.fit)),
      fits,
    )
  // Held-out scores cost five fits a method; those of the fit that was just made are kept for its thresholds.
  const judged = new WeakMap<FisherMember[], Float64Array[]>()
  const heldOut = (train: Columns, fits: readonly unknown[]): Float64Array[] =>
    members.map((method, k) => heldOutScores(method, own(k, train), fits[k]))
  return {
    name,
    source,
    models,
    settings,
    needs,
    fit(train) {
      const fits = members.map((method, k) => method.fit(own(k, train)))
      const scores = heldOut(train, fits)
      const found = scores.map((values, k) => ({
        name: labels[k]!,
        fit: fits[k],
        ...law(values, `${name} ${labels[k]}`),
      }))
      judged.set(found, scores)
      return found
    },
    score: (columns, fits) => sum(termsOf(columns, fits)),
    trainingScore(train, fits) {
      const known = judged.get(fits)
      const kept = known && known[0]!.length === columnRows(train)
      return sum(
        terms(
          kept
            ? known
            : heldOut(
                train,
                fits.map(({ fit }) => fit),
              ),
          fits,
        ),
      )
    },
    explain(columns, fits) {
      const all = termsOf(columns, fits)
      const n = all[0]!.length
      const shares = members.map((method, k) => sharesOf(method, own(k, columns), fits[k]!.fit, n))
      const parts = shares.flatMap(({ names }, k) =>
        names.map((part) => (part === '' ? labels[k]! : `${labels[k]}: ${part}`)),
      )
      const values = new Float64Array(n * parts.length)
      let at = 0
      for (const [k, { names, share }] of shares.entries()) {
        for (let row = 0; row < n; row++)
          for (let j = 0; j < names.length; j++)
            values[row * parts.length + at + j] = all[k]![row]! * share[row * names.length + j]!
        at += names.length
      }
      return { parts, values: tensor(values, [n, parts.length]) }
    },
    parseFit(value) {
      if (!Array.isArray(value) || value.length !== members.length)
        throw wrongField('fit', `${members.length} methods`, Array.isArray(value) ? value.length : value)
      return value.map((entry: Partial<FisherMember> | null, k) => {
        const { fit, logarithm, mean: centre, standardDeviation: spread } = entry ?? {}
        if (typeof logarithm !== 'boolean') throw wrongField(`fit.${k}.logarithm`, 'true or false', logarithm)
        if (!(typeof centre === 'number' && Number.isFinite(centre)))
          throw wrongField(`fit.${k}.mean`, 'a finite number', centre)
        if (!(typeof spread === 'number' && spread > 0 && Number.isFinite(spread)))
          throw wrongField(`fit.${k}.standardDeviation`, 'a positive number', spread)
        return { name: labels[k]!, fit: members[k]!.parseFit(fit), logarithm, mean: centre, standardDeviation: spread }
      })
    },
  }
}

/** How a member's term is shared among what it explains itself by: in proportion to what speaks for OOD. */
function sharesOf<Input>(
  method: Method<unknown, Input>,
  columns: Columns,
  fit: unknown,
  n: number,
): { names: readonly string[]; share: Float64Array } {
  const found = method.explain?.(columns, fit)
  if (!found) return { names: [''], share: new Float64Array(n).fill(1) }
  const width = found.parts.length
  const share = Float64Array.from(flatData(found.values), (value) => Math.max(0, value))
  for (let row = 0; row < n; row++) {
    const own = share.subarray(row * width, (row + 1) * width)
    const total = own.reduce((sum, value) => sum + value, 0)
    const most = Math.max(...own)
    // An infinite part has it all.
    for (let j = 0; j < width; j++)
      own[j] = total === 0 ? 1 / width : Number.isFinite(total) ? own[j]! / total : Number(own[j] === most)
  }
  return { names: found.parts, share }
}

/** Mean and spread of held-out scores, of their logarithms where all are positive. */
function law(scores: Float64Array, what: string): Omit<FisherMember, 'name' | 'fit'> {
  const bad = scores.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0)
    throw mismatch('E_NOT_FINITE', `${what} training scores`, 'finite numbers', `${scores[bad]} in row ${bad}`)
  const logarithm = scores.every((value) => value > 0)
  const values = logarithm ? scores.map(Math.log) : scores
  const [centre, spread] = [mean(values), standardDeviation(values)]
  if (!varies(spread, logarithm ? 1 : centre))
    throw mismatch(
      'E_ARGUMENT',
      `${what} training scores`,
      'values that vary over the training rows',
      `${scores[0]} only`,
    )
  return { logarithm, mean: centre, standardDeviation: spread }
}

/** Standard deviations that a score lies above its training mean; NaN passes for the caller to name its row. */
function distance(value: number, { logarithm, mean: centre, standardDeviation: spread }: FisherMember): number {
  return ((logarithm ? Math.log(Math.max(value, Number.MIN_VALUE)) : value) - centre) / spread
}

function sum(terms: readonly Float64Array[]): Float64Array {
  return terms[0]!.map((_, row) => terms.reduce((total, term) => total + term[row]!, 0))
}
