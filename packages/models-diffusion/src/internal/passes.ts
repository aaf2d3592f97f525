// Which runs of a graph give its output at one time a row, for graphs that take whole or single times.

/** Rows that run together, each with the time it is fed and the weight of its result. */
export interface Pass {
  rows: number[]
  times: number[]
  weights: number[]
}

/** What a graph's time input takes. */
export interface TimePort {
  /** Times are rounded to whole numbers. */
  whole: boolean
  /** One time serves all rows of a run: the input has no batch axis. */
  single: boolean
}

/**
 * Splits rows at `times` into runs. A graph of whole times is read between them by linear interpolation of its outputs,
 * so that what is integrated stays continuous; a graph of one time a run gets one run for each time that occurs.
 */
export function passes(times: Float64Array, port: TimePort): Pass[] {
  const all: Pass = { rows: [], times: [], weights: [] }
  const above: Pass = { rows: [], times: [], weights: [] }
  const add = (pass: Pass, row: number, time: number, weight: number): void => {
    pass.rows.push(row)
    pass.times.push(time)
    pass.weights.push(weight)
  }
  times.forEach((time, row) => {
    const low = port.whole ? Math.floor(time) : time
    // Within 1e-9 of a whole time it is that time: (n + 1) / N and back costs a rounding.
    const share = port.whole && time - low > 1e-9 ? (low + 1 - time < 1e-9 ? 1 : time - low) : 0
    if (share < 1) add(all, row, low, 1 - share)
    if (share > 0) add(above, row, low + 1, share)
  })
  return [all, above].filter((pass) => pass.rows.length > 0).flatMap((pass) => (port.single ? byTime(pass) : [pass]))
}

/**
 * The pass with its last row repeated until its rows are a multiple of `step`. A matrix product takes rows in blocks and
 * those left over with other instructions, whose last bits differ; in full blocks every row gets the same ones.
 */
export function fullBlocks(pass: Pass, step: number): Pass {
  const missing = (step - (pass.rows.length % step)) % step
  if (missing === 0) return pass
  const more = <T>(list: readonly T[]): T[] => [...list, ...new Array<T>(missing).fill(list.at(-1)!)]
  return { rows: more(pass.rows), times: more(pass.times), weights: more(pass.weights) }
}

function byTime(pass: Pass): Pass[] {
  const groups = new Map<number, Pass>()
  pass.rows.forEach((row, i) => {
    const time = pass.times[i]!
    const group = groups.get(time) ?? { rows: [], times: [], weights: [] }
    groups.set(time, group)
    group.rows.push(row)
    group.times.push(time)
    group.weights.push(pass.weights[i]!)
  })
  return [...groups.values()]
}
