// Opens an example's run folder and progress bar, and closes both whatever happens.

import type { Progress } from '@ood/core'
import { openRun, progressBar, type Run } from '@ood/run'

/** Calls `work` with the open run; the run counts as finished only when `work` ends without an error. */
export async function withRun(
  folder: string,
  config: Record<string, unknown>,
  work: (run: Run<unknown>, onProgress: (progress: Progress) => void) => Promise<void>,
): Promise<void> {
  const bar = progressBar(process.stderr)
  try {
    const run = openRun({ folder, config })
    try {
      await work(run, bar.update)
      run.finish()
    } finally {
      run.close()
    }
  } finally {
    bar.stop()
  }
}
