// Downloads one file: resume by Range, a bound on its size, a check of the contents, atomic rename, retries, mirrors.
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CallOptions, mismatch, OodError, throwIfAborted } from '@ood/core'
import { fileError, fileReason, makeFolder } from '@ood/core/node'

/** How a download is made and judged. */
export interface DownloadOptions extends Pick<CallOptions, 'signal' | 'onProgress'> {
  /** Most bytes to accept. */
  maxBytes: number
  /** Throws when the finished file is not what it should be. */
  verify: (path: string) => Promise<void>
  /** Tries at each address (default 3). */
  attempts?: number | undefined
  /** Milliseconds before the second try, doubled for each further one (default 500). */
  delay?: number | undefined
  /** Milliseconds without a byte after which a connection counts as lost (default 30,000). */
  idle?: number | undefined
}

/**
 * Downloads the first address that works to `target`.
 *
 * Bytes go to `target.part`, which survives a cut or an abort, and the next try (or the next run) asks for the rest
 * only. When the file is whole, `verify` judges it; a file that fails is thrown away, so it is never resumed from, and
 * fetched afresh. Only a file that passed appears under its name.
 *
 * @param urls - addresses of the same file, tried in order
 * @throws OodError `E_NETWORK` when no address gave the file, `E_CHECKSUM` (or what `verify` throws) when one gave
 *   another file, `E_ABORTED`
 */
export async function download(urls: readonly string[], target: string, options: DownloadOptions): Promise<void> {
  const part = `${target}.part`
  await makeFolder(dirname(target))
  let last: unknown
  for (const url of urls) {
    for (let attempt = 0; attempt < (options.attempts ?? 3); attempt++) {
      if (attempt > 0) await pause((options.delay ?? 500) * 2 ** (attempt - 1), options.signal, url)
      try {
        await fetchRest(url, part, options)
        await verified(part, options)
        await rename(part, target)
        return
      } catch (error) {
        throwIfAborted(options.signal, url)
        last = error
        if (error instanceof GoneError) break
      }
    }
  }
  if (last instanceof OodError) throw last
  const hosts = urls.map((url) => new URL(url).host).join(' or ')
  throw mismatch('E_NETWORK', basename(target), `a download from ${hosts}`, networkReason(last))
}

/** The address answered that it does not have the file, so asking again is no use. */
class GoneError extends Error {}

async function pause(milliseconds: number, signal: AbortSignal | undefined, url: string): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => throwIfAborted(signal, url))
}

async function verified(part: string, options: DownloadOptions): Promise<void> {
  try {
    await options.verify(part)
  } catch (error) {
    throwIfAborted(options.signal, part)
    await rm(part, { force: true })
    throw error
  }
}

/** Fetches what is missing of `part`. */
async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<void> {
  throwIfAborted(options.signal, url)
  const have = await stat(part).then(
    (info) => info.size,
    () => 0,
  )
  const lost = new AbortController()
  const watch = setTimeout(() => lost.abort(new Error('no byte came for too long')), options.idle ?? 30_000)
  const signal = options.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal
  try {
    // identity: a transfer encoding would make Range count other bytes than the file's.
    const headers = { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) }
    const response = await fetch(url, { headers, signal })
    if (response.status === 416 && have > 0) {
      // Nothing after what we have: the file is whole, or not the same file; verifying tells.
      await response.body?.cancel()
      return
    }
    if (response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429) {
      await response.body?.cancel()
      throw new GoneError(`HTTP ${response.status}`)
    }
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`)
    await append(response, part, resumePoint(response, have), options, () => watch.refresh())
  } finally {
    clearTimeout(watch)
  }
}

/** Where the answer's bytes belong: after what we have, or at 0 when the server sends the whole file. */
function resumePoint(response: Response, have: number): number {
  if (response.status !== 206) return 0
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
  if (Number(start) !== have) throw new Error(`bytes from ${start} where ${have} was asked for`)
  return have
}

async function append(
  response: Response,
  part: string,
  start: number,
  options: DownloadOptions,
  alive: () => void,
): Promise<void> {
  const length = response.headers.get('content-length')
  const total = length === null ? Number.NaN : start + Number(length)
  if (total > options.maxBytes) throw new GoneError(`${total} bytes where at most ${options.maxBytes} make sense`)
  const file = await open(part, start > 0 ? 'a' : 'w').catch((error: unknown) => {
    throw fileError(part, 'a file to download to', error)
  })
  let done = start
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      alive()
      done += chunk.length
      if (done > options.maxBytes) throw new GoneError(`more than the ${options.maxBytes} bytes that make sense`)
      await file.writeFile(chunk)
      const label = `download ${basename(part, '.part')}`
      options.onProgress?.({ done, total: Number.isNaN(total) ? done : total, label })
    }
    await file.sync()
  } finally {
    await file.close()
  }
  if (done < total) throw new Error(`${done} of ${total} bytes`)
}

/** fetch() says "fetch failed" and keeps the reason in `cause`. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code ?? (cause instanceof Error && cause.message !== '' ? cause.message : fileReason(error))
}
