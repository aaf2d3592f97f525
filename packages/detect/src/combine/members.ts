// What methods over methods share: columns and needs of each member under its own prefix, its models, its place in a fit.
import { OodError } from '@ood/core'
import type { Columns } from '../columns.ts'
import type { Needs } from '../measurement.ts'
import type { Method } from '../method.ts'

/** Methods as parts of one: column `c` of member k is `k.c` in the whole. */
export interface Members<Input> {
  readonly labels: readonly string[]
  readonly models: Readonly<Record<string, object>>
  readonly settings: Readonly<Record<string, unknown>>
  /** Needs of all members, for fitting or with their fits for scoring. */
  needs(fits?: readonly { fit: unknown }[]): Needs<Input>
  /** The columns of member k under their own names. */
  own(k: number, columns: Columns): Columns
}

/** The frame of a method over `methods`; `labels` are their names where not given. @throws OodError `E_EMPTY` */
export function membersOf<Input>(
  what: string,
  methods: readonly Method<unknown, Input>[],
  given?: readonly string[],
): Members<Input> {
  if (methods.length === 0) throw new OodError('E_EMPTY', `${what}: expected at least one method, got none`)
  const labels =
    given ??
    methods.map((method, k) =>
      methods.some((other, j) => j !== k && other.name === method.name) ? `${method.name}-${k}` : method.name,
    )
  const prefixed = <Value>(k: number, record: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [`${k}.${name}`, value]))
  return {
    labels,
    models: Object.assign({}, ...methods.map((method, k) => prefixed(k, method.models ?? {}))),
    settings: {
      members: methods.map(({ name, settings }, k) =>
        given ? { label: given[k], name, settings } : { name, settings },
      ),
    },
    needs: (fits) =>
      Object.assign({}, ...methods.map((method, k) => prefixed(k, fits ? method.needs(fits[k]!.fit) : method.needs()))),
    own: (k, columns) =>
      Object.fromEntries(
        Object.entries(columns).flatMap(([column, values]) =>
          column.startsWith(`${k}.`) ? [[column.slice(`${k}.`.length), values]] : [],
        ),
      ),
  }
}
