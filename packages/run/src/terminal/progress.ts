// Progress on a terminal or in a log: turns the `{done, total, label}` events of every long call into lines.
import type { Progress } from '@ood/core'
import cliProgress from 'cli-progress'

/** Where progress is written: `process.stderr`, or anything with `write`. */
export type ProgressStream = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number }

/** Options of `progressBar`. */
export interface ProgressBarOptions {
  /** Without a terminal: a line after every so many percent (default 10). */
  everyPercent?: number | undefined
  /** Milliseconds now; for tests. */
  now?: (() => number) | undefined
}

/** A sink for progress events. */
export interface ProgressBar {
  /** Pass this as `onProgress`. */
  update(progress: Progress): void
  /** Ends the current bar, so that other text may follow. */
  stop(): void
}

/**
 * Shows progress events. On a terminal a bar per label, drawn at every event: inference blocks the event loop, so a
 * bar drawn by a timer would freeze. Elsewhere (a log, CI) one line every `everyPercent` percent.
 *
 * The time left assumes that the rest takes as long per row as what was done since the label's first event, so rows
 * loaded from an earlier run do not flatter it.
 *
 * @example
 * const bar = progressBar(process.stderr)
 * await flow.logProb(x, { onProgress: bar.update })
 * bar.stop()
 */
export function progressBar(
  stream: ProgressStream = process.stderr,
  { everyPercent = 10, now = Date.now }: ProgressBarOptions = {},
): ProgressBar {
  const draw = stream.isTTY ? terminalBar(stream) : logLines(stream, everyPercent)
  let label: string | undefined
  let begin = { time: 0, done: 0 }
  // A label's first event comes after its first batch: its work began when the label before it ended.
  let idleSince = now()
  const stop = () => {
    if (label === undefined) return
    draw.end()
    label = undefined
    idleSince = now()
  }
  return {
    update(progress) {
      if (progress.label !== label) {
        stop()
        label = progress.label
        begin = { time: now(), done: progress.done }
        draw.begin(progress)
      }
      const rate = (progress.done - begin.done) / (now() - begin.time)
      draw.show(progress, rate > 0 ? (progress.total - progress.done) / rate : undefined, now() - idleSince)
      if (progress.done >= progress.total) stop()
    },
    stop,
  }
}

interface Painter {
  begin(progress: Progress): void
  show(progress: Progress, leftMs: number | undefined, elapsedMs: number): void
  end(): void
}

function terminalBar(stream: ProgressStream): Painter {
  let bar: cliProgress.SingleBar | undefined
  let last = { time: '' }
  return {
    begin({ label, done, total }) {
      last = { time: '' }
      bar = new cliProgress.SingleBar(
        {
          stream: stream as NodeJS.WriteStream,
          format: '{label} {bar} {value}/{total}  {time}',
          barsize: Math.max(8, Math.min(32, (stream.columns || 80) - label.length - 40)),
          hideCursor: true,
          gracefulExit: false,
          synchronousUpdate: false,
        },
        cliProgress.Presets.shades_classic,
      )
      bar.start(total, done, { label, ...last })
    },
    show({ done, total }, leftMs, elapsedMs) {
      last = { time: done >= total ? duration(elapsedMs) : leftMs === undefined ? '' : `${duration(leftMs)} left` }
      bar?.update(done, last)
      bar?.render() // its own timer does not fire while inference blocks the event loop
    },
    end() {
      bar?.stop()
      bar = undefined
    },
  }
}

function logLines(stream: ProgressStream, everyPercent: number): Painter {
  let next = 0
  return {
    begin() {
      next = 0
    },
    show({ done, total, label }, leftMs, elapsedMs) {
      const percent = total > 0 ? (100 * done) / total : 100
      if (percent < next && done < total) return
      next = (Math.floor(percent / everyPercent) + 1) * everyPercent
      const time = done >= total ? `, ${duration(elapsedMs)}` : leftMs === undefined ? '' : `, ${duration(leftMs)} left`
      stream.write(`${label}: ${done}/${total} (${Math.floor(percent)} %)${time}\n`)
    },
    end() {},
  }
}

/** `950 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const two = (n: number) => String(n).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}
