// Messages between a pool and its workers.

/** One call of a task, or the wish that the worker end. */
export type Request = Call | { close: true }

/** One call of a task. */
export interface Call {
  id: number
  task: string
  args: readonly unknown[]
}

/** Its outcome: a value or an error, as plain data. */
export interface Reply {
  id: number
  value?: unknown
  error?: { code?: string | undefined; message: string }
}
