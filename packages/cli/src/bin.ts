#!/usr/bin/env node
// The executable of the `ood` command.
import { runMain } from '@ood/run'
import { ood } from './command/program.ts'

await runMain((signal) => ood(process.argv.slice(2), signal), {
  stoppedHint: 'with --out, run the same command again to resume',
})
