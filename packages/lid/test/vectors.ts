// Golden vectors of this package's subject.
import { vector as read } from '../../../tools/vectors.ts'

/** The parsed vector file. */
export const vector = <T>(name: string): T => read<T>(`dgm/${name}`)

/** Vectors write non-finite numbers as strings. */
export function number(value: number | string): number {
  return typeof value === 'number' ? value : Number(value)
}
