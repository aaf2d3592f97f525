// Coefficients of the explicit Runge-Kutta methods.

/** Explicit Runge-Kutta methods by name. */
export type OdeMethod = 'dopri5' | 'rk4' | 'heun' | 'euler'

/** Stage weights, nodes and result weights; `correction` is result minus embedded result, for error control. */
interface Tableau {
  a: readonly (readonly number[])[]
  b: readonly number[]
  c: readonly number[]
  correction?: readonly number[]
  firstSameAsLast?: boolean
}

/** Euler 1, Heun 2, classical 4, Dormand & Prince 5(4) (1980). */
export const TABLEAUS: Readonly<Record<OdeMethod, Tableau>> = {
  euler: { a: [[]], b: [1], c: [0] },
  heun: { a: [[], [1]], b: [1 / 2, 1 / 2], c: [0, 1] },
  rk4: { a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]], b: [1 / 6, 1 / 3, 1 / 3, 1 / 6], c: [0, 1 / 2, 1 / 2, 1] },
  dopri5: {
    a: [
      [],
      [1 / 5],
      [3 / 40, 9 / 40],
      [44 / 45, -56 / 15, 32 / 9],
      [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
      [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
      [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ],
    b: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
    c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
    correction: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
    firstSameAsLast: true,
  },
}
