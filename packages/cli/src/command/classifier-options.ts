// The options of a command that say how an .onnx classifier without a manifest is read.
import { mismatch } from '@ood/core'
import type { ClassifierOptions } from '@ood/models-classifier'

/** As the command line gives them. */
export interface ClassifierFlags {
  /** Names of values in the graph. */
  logits?: string | undefined
  features?: string | undefined
  /** Sizes of a row, `3,224,224`. */
  inputShape?: string | undefined
  /** Bytes to [0, 1]. */
  unit?: boolean | undefined
  /** Of [0, 1] values, one number or one a channel, `0.485,0.456,0.406`; bytes are brought to [0, 1] first. */
  mean?: string | undefined
  std?: string | undefined
  fixedBatch?: boolean | undefined
}

/**
 * The options of `openClassifier`, only those that were given.
 *
 * @throws OodError `E_ARGUMENT` for lists that are no numbers, or a mean without a deviation
 */
export function classifierOptions(flags: ClassifierFlags): Omit<ClassifierOptions, 'device' | 'workers'> {
  const { logits, features, inputShape, unit, mean, std, fixedBatch } = flags
  if ((mean === undefined) !== (std === undefined))
    throw mismatch(
      'E_ARGUMENT',
      '--mean and --std',
      'both or none',
      mean === undefined ? '--std alone' : '--mean alone',
    )
  const steps = [
    ...(unit || mean !== undefined ? [{ name: 'unit' } as const] : []),
    ...(mean !== undefined && std !== undefined
      ? [{ name: 'standardize', mean: numbers('--mean', mean), std: numbers('--std', std) } as const]
      : []),
  ]
  return {
    ...(logits === undefined ? {} : { logits }),
    ...(features === undefined ? {} : { features }),
    ...(inputShape === undefined ? {} : { shape: numbers('--input-shape', inputShape) }),
    ...(steps.length === 0 ? {} : { preprocessing: steps }),
    ...(fixedBatch ? { fixedBatch } : {}),
  }
}

function numbers(what: string, text: string): number[] {
  const list = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (!list.every(Number.isFinite)) throw mismatch('E_ARGUMENT', what, 'numbers with commas between', text)
  return list
}
