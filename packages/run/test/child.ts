// A child process for the tests: `child.ts experiment <folder> <k>` kills itself at its k-th change of the disk;
// the other modes end in the ways `runMain` has to report.
import { readFileSync, writeSync } from 'node:fs'
import { OodError } from '@ood/core'
import { openRun, runMain } from '../src/index.ts'
import { crashAt } from './crash.ts'
import { experiment } from './experiment.ts'

const [mode, folder = '', k = '0'] = process.argv.slice(2)

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const modes: Record<string, (signal: AbortSignal) => unknown> = {
  experiment: () => {
    if (Number(k) > 0)
      crashAt(Number(k), () => {
        process.kill(process.pid, 'SIGKILL')
        // The signal is delivered at once on Linux; this line is for systems that take their time.
        while (true) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
      })
    return experiment(folder)
  },
  hold: async () => {
    openRun({ folder, config: {} })
    writeSync(1, 'ready\n')
    await pause(60_000)
  },
  slow: async (signal) => {
    const run = openRun({ folder, config: {} })
    writeSync(1, 'ready\n')
    const work = async (from: number) => {
      await pause(20)
      return { x: Float64Array.of(from) }
    }
    await run.batches('slow', 3000, 1, work, { signal })
  },
  print: async (signal) => {
    for (let i = 0; i < 500 && !signal.aborted; i++) {
      process.stdout.write(`${'x'.repeat(1000)}\n`)
      await pause(1)
    }
  },
  system: () => readFileSync('/none/such'),
  user: () => {
    throw new OodError('E_FILE', 'a.npy: expected 8 bytes,\n got 7')
  },
  fault: () => {
    throw new TypeError('x is not a function')
  },
  fine: () => {},
}

await runMain((signal) => modes[mode ?? '']!(signal), { graceMs: 60_000 })
