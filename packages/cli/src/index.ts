// Public face of @ood/cli.

export type { Storable, StoredArray } from './internal/value.ts'
export { checkConfig } from './run/check-config.ts'
export { configYaml, firstDifference, readConfig } from './run/config.ts'
export { type Columns, csvText } from './run/csv.ts'
export type { BatchColumns } from './run/join.ts'
export { type RunEvent, readJournal } from './run/journal.ts'
export { type OpenRunOptions, openRun, type Run } from './run/open.ts'
export type { BatchesOptions, StepCodec, StepOptions, Steps } from './run/steps.ts'
export { exitCodes, type RunMainOptions, runMain } from './terminal/main.ts'
export {
  duration,
  type ProgressBar,
  type ProgressBarOptions,
  type ProgressStream,
  progressBar,
} from './terminal/progress.ts'
export { formatTable, type TableCell, type TableOptions } from './terminal/table.ts'
