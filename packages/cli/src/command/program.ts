// The `ood` command: its sub-commands, their options and what they print. Heavy packages load when a command needs them.
import { createRequire } from 'node:module'
import { mismatch } from '@ood/core'
import type { LikelihoodLidFit } from '@ood/lid'
import { type Columns, checkConfig, csvText, exitCodes, formatTable, progressBar } from '@ood/run'
import { Command, CommanderError, Option } from 'commander'
import { z } from 'zod'
import type { Skipped } from './images.ts'
import type { ScoreOptions } from './score.ts'

const whole = (least: number) => z.coerce.number().int().min(least)

/** Options of the commands that work through images, as commander gives them. */
const workOptions = {
  model: z.array(z.string()).min(1),
  images: z.string(),
  limit: whole(1).optional(),
  resize: z.boolean().optional(),
  invert: z.boolean().optional(),
  onError: z.enum(['stop', 'skip']),
  seed: whole(0),
  batchSize: whole(1),
  device: z.string().optional(),
  workers: whole(0).optional(),
  dataDir: z.string().optional(),
  out: z.string().optional(),
}

const scoreOptions = z.strictObject({
  ...workOptions,
  space: z.enum(['pixel', 'model']).optional(),
  lid: z.coerce.number().optional(),
  detector: z.string().optional(),
})

const checkOptions = z.strictObject({
  images: z.string().optional(),
  rows: whole(1),
  resize: z.boolean().optional(),
  invert: z.boolean().optional(),
  device: z.string().optional(),
  workers: whole(0).optional(),
  json: z.boolean().optional(),
})

const fitOptions = z.strictObject({
  ...workOptions,
  out: z.string(),
  method: z.string(),
  calibrate: z.string().optional(),
  space: z.enum(['pixel', 'model']),
  rule: z.enum(['standardisedSum', 'localMass', 'density', 'mahalanobis', 'oneSided', 'standardisedMinimum']),
  scale: z.union(
    [z.enum(['scalingRegion', 'coupling', 'knee', 'plateau']), z.coerce.number()],
    'expected scalingRegion, coupling, knee, plateau or a number',
  ),
  fpr: z.coerce.number().gt(0).lt(1),
})

const { images: _images, out: _out, ...sharedOptions } = workOptions

/** How an .onnx classifier is read. */
const classifierFlags = {
  logits: z.string().optional(),
  features: z.string().optional(),
  inputShape: z.string().optional(),
  unit: z.boolean().optional(),
  mean: z.string().optional(),
  std: z.string().optional(),
  fixedBatch: z.boolean().optional(),
}

const featuresOptions = z.strictObject({
  ...workOptions,
  ...classifierFlags,
  images: z.string().optional(),
  data: z.string().optional(),
  out: z.string(),
})

const compareOptions = z.strictObject({
  ...sharedOptions,
  ...classifierFlags,
  train: z.string(),
  in: z.string(),
  ood: z.array(z.string()).min(1),
  methods: z.string().optional(),
  out: z.string(),
})

/**
 * Runs the `ood` command.
 *
 * @param argv - arguments after the program's name
 * @param signal - stops the work between batches
 * @throws OodError for everything a user can mend; a wrong option as `E_ARGUMENT`
 * @example
 * await runMain((signal) => ood(process.argv.slice(2), signal))
 */
export async function ood(argv: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await program(signal).parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has printed its message; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.userError
  }
}

function program(signal: AbortSignal): Command {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  const top = new Command('ood')
    .description('Out-of-distribution detection with deep generative models')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(ood --help lists the commands)')
  top
    .command('models')
    .description('list the shipped checkpoints')
    .action(async () => {
      const { listCheckpoints } = await import('@ood/zoo')
      print(listCheckpoints().join('\n'))
    })
  top
    .command('inspect')
    .description('check a checkpoint folder, a shipped checkpoint or an .onnx file, and say what is in it')
    .argument('<target>', 'folder, name or file')
    .option('--json', 'print JSON')
    .action(async (target: string, { json }: { json?: boolean }) => {
      const { inspectTarget, inspectText } = await import('./inspect.ts')
      const report = await inspectTarget(target)
      print(json ? JSON.stringify(report, null, 2) : inspectText(report))
    })
  top
    .command('check-model')
    .description('say what is wrong with a model folder and how to mend it: layout, batches, round trip, units, speed')
    .argument('<folder>', 'checkpoint folder, or name of a shipped one')
    .option('-i, --images <source>', 'a few images of the training distribution')
    .option('-n, --rows <n>', 'rows to try', '4')
    .option('--resize', 'resize pictures to the size the model takes')
    .option('--invert', 'turn black into white')
    .option('--device <name>', 'cpu, cuda ...')
    .option('--workers <n>', 'worker threads')
    .option('--json', 'print JSON')
    .action((folder: string, raw: unknown) => check(folder, checkConfig(checkOptions, raw, 'options'), signal))
  top
    .command('methods')
    .description('list the methods: paper, models they need, cost of an image')
    .action(async () => {
      const { methodsText } = await import('./methods.ts')
      print(await methodsText())
    })
  withClassifierOptions(withSharedOptions(top.command('compare')))
    .description('run every method whose models are there on the same images; table, CSV, JSON and report.html')
    .requiredOption('--train <source>', 'training images: all that fitting sees')
    .requiredOption('--in <source>', 'in-distribution images that were not trained on')
    .requiredOption('--ood <name=source>', 'a set of OOD images (repeat for more)', collect)
    .option('--methods <names>', 'methods by name, with commas (default: all but the slow ones)')
    .option('-o, --out <folder>', 'run folder', 'runs/compare')
    .action((raw: unknown) => compare(checkConfig(compareOptions, raw, 'options'), signal))
  withClassifierOptions(withSharedOptions(top.command('features')))
    .description('features and logits of images under any ONNX classifier, as .npz')
    .option('-i, --images <source>', `${SOURCES}; or --data`)
    .option('--data <source>', 'the same')
    .requiredOption('-o, --out <file>', '.npz file: embeddings [N, F], logits [N, C]')
    .action((raw: unknown) => features(checkConfig(featuresOptions, raw, 'options'), signal))
  withWorkOptions(top.command('score'))
    .description('log-likelihood, LID and verdict of every image, as CSV')
    .addOption(
      new Option('--space <space>', 'space of the log-likelihoods (default pixel)').choices(['pixel', 'model']),
    )
    .option('--lid <scale>', 'also the local intrinsic dimension at this scale (a Jacobian an image)')
    .option('--detector <file>', 'what ood fit wrote: also score, p-value and verdict')
    .option('-o, --out <file>', 'CSV file (default: print)')
    .action((raw: unknown) => score(checkConfig(scoreOptions, raw, 'options'), signal))
  withWorkOptions(top.command('fit'))
    .description('fit a detector on training images')
    .option('--method <name>', 'a method of `ood methods`', 'flow-lid')
    .option('--calibrate <source>', 'images that the models were not trained on, for threshold and p-values')
    .requiredOption('-o, --out <file>', 'JSON file of the detector')
    .option('--scale <rule>', 'scalingRegion, coupling, knee, plateau or a number', 'scalingRegion')
    .option('--rule <name>', 'how the pair becomes a score', 'standardisedSum')
    .option('--fpr <share>', 'share of the training images that the threshold rejects', '0.05')
    .addOption(
      new Option('--space <space>', 'space of the log-likelihoods').choices(['pixel', 'model']).default('model'),
    )
    .action((raw: unknown) => fit(checkConfig(fitOptions, raw, 'options'), signal))
  top
    .command('status')
    .description('how far a run folder is')
    .argument('<folder>')
    .action(async (folder: string) => {
      const { runStatus } = await import('./status.ts')
      print(runStatus(folder))
    })
  return top
}

const SOURCES =
  'picture, folder, .zip, .npy (images, or tokens [N, T]), .npz, IDX file, <data set>:<split> or sample:<data set>:<split>'

function withWorkOptions(command: Command): Command {
  return withSharedOptions(command).requiredOption('-i, --images <source>', SOURCES)
}

/** Options that say how an .onnx classifier without a manifest is read. */
function withClassifierOptions(command: Command): Command {
  return command
    .option('--unit', 'classifier: bytes are divided by 255')
    .option('--mean <numbers>', 'classifier: mean of [0, 1] values, one or one a channel (0.485,0.456,0.406)')
    .option('--std <numbers>', 'classifier: their deviation')
    .option('--logits <name>', 'classifier: value of the graph that holds logits')
    .option('--features <name>', 'classifier: value of the graph that holds features')
    .option('--input-shape <sizes>', 'classifier: sizes of a row where the graph leaves them open (3,224,224)')
    .option('--fixed-batch', 'classifier: take a graph of a fixed batch size')
}

function withSharedOptions(command: Command): Command {
  return command
    .requiredOption(
      '-m, --model <checkpoint>',
      'checkpoint folder, or name of a shipped one (repeat for more)',
      collect,
    )
    .option('-n, --limit <n>', 'at most so many images')
    .option('--resize', 'resize pictures to the size the model takes')
    .option('--invert', 'turn black into white')
    .addOption(
      new Option('--on-error <what>', 'what a broken picture does: end the command, or be left out')
        .choices(['stop', 'skip'])
        .default('stop'),
    )
    .option('--data-dir <folder>', 'folder of official data set files')
    .option('--seed <n>', 'seed of dequantisation and of drawing images', '0')
    .option('--batch-size <n>', 'images between two stores', '16')
    .option('--device <name>', 'cpu, cuda ...')
    .option('--workers <n>', 'worker threads')
}

async function check(folder: string, options: z.output<typeof checkOptions>, signal: AbortSignal): Promise<void> {
  const { checkModel } = await import('./check-model/check.ts')
  const { checkText } = await import('./check-model/report.ts')
  const { json, ...rest } = options
  const report = await checkModel(folder, { ...rest, signal })
  print(json ? JSON.stringify(report, null, 2) : checkText(report))
  if (!report.ok) process.exitCode = exitCodes.userError
}

/** Collects an option that may be given several times. */
function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

/** The one model of a command that takes one. */
function single(models: readonly string[]): string {
  if (models.length !== 1) throw mismatch('E_ARGUMENT', '--model', 'one flow for this method', models.join(', '))
  return models[0]!
}

/** `--ood name=source`, each name once; names become names of files and columns. */
function namedSets(texts: readonly string[]): Record<string, string> {
  const sets: Record<string, string> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1 || at === text.length - 1) throw mismatch('E_ARGUMENT', '--ood', 'name=source', text)
    const name = text.slice(0, at)
    if (!/^[\p{L}\p{N}][\p{L}\p{N} ._+-]{0,63}$/u.test(name))
      throw mismatch('E_ARGUMENT', '--ood', 'a name of letters, digits and . _ + -', name)
    if (name === 'train' || name === 'in') throw mismatch('E_ARGUMENT', '--ood', 'a name other than train and in', name)
    if (Object.hasOwn(sets, name)) throw mismatch('E_ARGUMENT', '--ood', 'different names', `${name} twice`)
    sets[name] = text.slice(at + 1)
  }
  return sets
}

async function compare(options: z.output<typeof compareOptions>, signal: AbortSignal): Promise<void> {
  const { comparisonTable, compareMethods } = await import('./compare.ts')
  const { model, in: inDistribution, ood, methods, ...rest } = options
  const sets = namedSets(ood)
  const bar = progressBar(process.stderr)
  const left = skippedImages()
  const found = await compareMethods({
    ...rest,
    models: model,
    inDistribution,
    ood: sets,
    methods: methods?.split(','),
    signal,
    onProgress: bar.update,
    onSkipped: left.tell,
  })
  bar.stop()
  print(comparisonTable(found))
  print(`\n${options.out}/report.html${left.text()}`)
}

async function features(options: z.output<typeof featuresOptions>, signal: AbortSignal): Promise<void> {
  const { extractFeatures } = await import('./features.ts')
  const { model, images, data, ...rest } = options
  const source = images ?? data
  if (source === undefined || (images !== undefined && data !== undefined))
    throw mismatch(
      'E_ARGUMENT',
      '--images',
      'one source of images',
      source === undefined ? 'none' : '--images and --data',
    )
  const bar = progressBar(process.stderr)
  const left = skippedImages()
  const call = { ...rest, signal, onProgress: bar.update, onSkipped: left.tell }
  const found = await extractFeatures({ ...call, model: single(model), images: source })
  bar.stop()
  print(`embeddings [${found.rows}, ${found.dimension}] from ${found.features}`)
  print(`logits [${found.rows}, ${found.classes}] from ${found.logits}`)
  print(`${found.out}${left.text()}`)
}

async function score(options: z.output<typeof scoreOptions>, signal: AbortSignal): Promise<void> {
  const { readDetectorFile } = await import('./detector-file.ts')
  const { lid, model, space, detector, ...rest } = options
  const stored = detector === undefined ? undefined : readDetectorFile(detector)
  if (stored && (space !== undefined || lid !== undefined))
    throw mismatch('E_ARGUMENT', '--space and --lid', `none beside a detector of ${stored.registryName}`, 'one')
  const bar = progressBar(process.stderr)
  const left = skippedImages()
  const call = { ...rest, signal, onProgress: bar.update, onSkipped: left.tell }
  const columns = stored
    ? await (await import('./score-method.ts')).scoreWithDetector(stored, { ...call, models: model })
    : await scoreModel(single(model), { ...call, space, detector, lidScale: lid })
  bar.stop()
  if (!options.out) {
    print(csvText(columns).trimEnd())
    if (left.count() > 0) process.stderr.write(`${columns.image!.length} images${left.text()}\n`)
    return
  }
  const numbers = Object.entries(columns).filter(([name]) => name !== 'image' && name !== 'reason') as [
    string,
    ArrayLike<number>,
  ][]
  const rows = numbers.map(([name, values]) => [name, ...summary(values)])
  print(formatTable([['column', 'mean', 'smallest', 'largest'], ...rows]))
  print(`\n${columns.image!.length} images: ${options.out}${left.text()}`)
}

/** Scores with one model: a flow has its LID and its own detector, any other its log-likelihoods. */
async function scoreModel(model: string, options: Omit<ScoreOptions, 'model'>): Promise<Columns> {
  const { scoreLikelihood } = await import('./score-likelihood.ts')
  const { scoreImages } = await import('./score.ts')
  const { modelKind } = await import('./model.ts')
  const { space, detector, lidScale } = options
  if (detector !== undefined || (await modelKind(model)) === 'flow') return await scoreImages({ ...options, model })
  if (space !== undefined || lidScale !== undefined)
    throw mismatch('E_ARGUMENT', '--space and --lid', 'none beside a model that is no flow', 'one')
  return await scoreLikelihood({ ...options, models: [model] })
}

async function fit(options: z.output<typeof fitOptions>, signal: AbortSignal): Promise<void> {
  const { fpr, method, model, calibrate, ...rest } = options
  if (method !== 'flow-lid' || calibrate !== undefined) return await fitAny(options, signal)
  const { fitDetector } = await import('./fit.ts')
  const bar = progressBar(process.stderr)
  const left = skippedImages()
  const stored = await fitDetector({
    ...rest,
    model: single(model),
    falsePositiveRate: fpr,
    signal,
    onProgress: bar.update,
    onSkipped: left.tell,
  })
  bar.stop()
  const { choice, pairs } = stored.fit as LikelihoodLidFit
  const dimension = choice.meanLid === null ? '' : `, mean LID ${choice.meanLid.toFixed(1)}`
  print(`scale ${choice.scale.toFixed(3)} (${choice.rule}${dimension})`)
  print(`threshold ${stored.threshold} on ${pairs.rule.name}`)
  print(`${options.out}${left.text()}`)
}

/** `ood fit --method` of anything but the likelihood + LID detector. */
async function fitAny(options: z.output<typeof fitOptions>, signal: AbortSignal): Promise<void> {
  const { fitMethodFile } = await import('./fit-method.ts')
  const { fpr, model, space: _, rule: __, scale: ___, ...rest } = options
  const bar = progressBar(process.stderr)
  const left = skippedImages()
  const stored = await fitMethodFile({
    ...rest,
    models: model,
    falsePositiveRate: fpr,
    signal,
    onProgress: bar.update,
    onSkipped: left.tell,
  })
  bar.stop()
  print(`threshold ${stored.threshold} of ${stored.registryName}`)
  print(`${options.out}${left.text()}`)
}

/** Broken images of one source that are named one by one. */
const NAMED = 5

/** Names the first broken images of each source on the way and counts all of them for the end. */
function skippedImages() {
  let skipped = 0
  return {
    tell(list: Skipped, source: string) {
      skipped += list.length
      for (const { reason } of list.slice(0, NAMED)) process.stderr.write(`skipped: ${reason}\n`)
      if (list.length > NAMED) process.stderr.write(`skipped: ${list.length - NAMED} more of ${source}\n`)
    },
    count: () => skipped,
    text: () => (skipped === 0 ? '' : `, ${skipped} broken ${skipped === 1 ? 'one' : 'ones'} skipped`),
  }
}

function summary(values: ArrayLike<number>): [number, number, number] {
  let [sum, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!
    low = Math.min(low, values[i]!)
    high = Math.max(high, values[i]!)
  }
  return [sum / values.length, low, high]
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
