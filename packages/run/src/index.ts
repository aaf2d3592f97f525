// Public face of @ood/run.
export { canonicalJson } from '@ood/core'
export { writeFileAtomicSync as writeFileAtomic } from '@ood/core/node'
export { checkConfig } from './config/check-config.ts'
export { configYaml, firstDifference, readConfig } from './config/config.ts'
export { type Columns, csvText } from './folder/csv.ts'
export { runFacts } from './folder/facts.ts'
export { type BatchColumns, joinBatches } from './folder/join.ts'
export { type RunEvent, readJournal } from './folder/journal.ts'
export { type OpenRunOptions, openRun, type Run } from './folder/open.ts'
export type { BatchesOptions, StepCodec, StepOptions, Steps } from './folder/steps.ts'
export type { Storable, StoredArray } from './internal/value.ts'
export {
  type Flag,
  type Flags,
  flagsHelp,
  parseFlags,
  plainName,
  readWholeNumber,
  wholeNumber,
} from './terminal/flags.ts'
export { exitCodes, type RunMainOptions, runMain } from './terminal/main.ts'
export {
  duration,
  type ProgressBar,
  type ProgressBarOptions,
  type ProgressStream,
  progressBar,
} from './terminal/progress.ts'
export { formatTable, type TableCell, type TableOptions } from './terminal/table.ts'
