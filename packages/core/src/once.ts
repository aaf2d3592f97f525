// Things that are opened on first use and released at most once.

/** Something opened on first use. */
export interface Once<T> {
  get(): Promise<T>
  /** Releases it if it was opened. */
  release(): Promise<void>
}

/**
 * Wraps an opener; a failed opening is reported to every caller.
 *
 * @example
 * const session = once(() => openSession('model.onnx'))
 * await (await session.get()).run(feeds)
 * await session.release()
 */
export function once<T extends { release(): Promise<void> }>(open: () => Promise<T>): Once<T> {
  let opened: Promise<T> | undefined
  return {
    get() {
      opened ??= open()
      return opened
    },
    async release() {
      const value = await opened?.catch(() => undefined)
      opened = undefined
      await value?.release()
    },
  }
}
