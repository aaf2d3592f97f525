// A sequence network's graph as functions on flat rows: what runs in a worker, or in process.
import { OodError, once } from '@ood/core'
import { type Device, openSession } from '@ood/runtime'
import { logSoftmaxAt } from '../categorical.ts'

/** What the kernels are made from; plain data, so it can be sent to a worker. */
export interface SequenceSetup {
  name: string
  /** Bytes of the graph. */
  graph: Uint8Array
  device: Device
  threads: number
  vocabulary: number
}

/** The computations behind a sequence model. Rows are flat and row-major. */
interface SequenceKernels {
  /** Logits [rows, length - 1, V] of tokens [rows, length]; the network is fed `fed` of them. */
  logits(tokens: Int32Array, length: number, fed: number): Promise<Float32Array>
  /** log p of the tokens after the first, [rows, length - 1]. */
  logProb(tokens: Int32Array, length: number, fed: number): Promise<Float64Array>
  release(): Promise<void>
}

/**
 * Rows the graph sees at once, always as many: the last block is padded with copies of its last row. Recurrent networks
 * are matrix products, for which engines have kernels of their own for one or few rows: on x86-64 those gave the same
 * bits, elsewhere nobody promises it.
 */
const BLOCK = 16

/** Opens the session on first use. */
export function openSequenceKernels({ name, graph, device, threads, vocabulary }: SequenceSetup): SequenceKernels {
  // Several threads cut a block where it suits them: then rows go one by one.
  const block = device === 'cpu' && threads > 1 ? 1 : BLOCK
  const session = once(() => openSession(graph, { device, threads, name }))

  async function logits(tokens: Int32Array, length: number, fed: number): Promise<Float32Array> {
    const opened = await session.get()
    const rows = tokens.length / length
    const steps = length - 1
    const out = new Float32Array(rows * steps * vocabulary)
    for (let from = 0; from < rows; from += block) {
      const feed = new BigInt64Array(block * fed)
      for (let i = 0; i < feed.length; i++) {
        const row = Math.min(rows - 1, from + Math.floor(i / fed))
        feed[i] = BigInt(tokens[row * length + (i % fed)]!)
      }
      const { logits } = await opened.run({ tokens: { data: feed, shape: [block, fed] } }, ['logits'])
      const data = logits?.data
      if (!(data instanceof Float32Array) || data.length !== block * fed * vocabulary)
        throw new OodError(
          'E_SHAPE',
          `${name} logits: expected ${block * fed * vocabulary} float32 numbers, got ${data?.length ?? 'none'}`,
        )
      for (let row = from; row < Math.min(rows, from + block); row++) {
        const at = (row - from) * fed * vocabulary
        out.set(data.subarray(at, at + steps * vocabulary), row * steps * vocabulary)
      }
    }
    return out
  }

  return {
    logits,
    async logProb(tokens, length, fed) {
      const targets = tokens.filter((_, i) => i % length > 0)
      return logSoftmaxAt(await logits(tokens, length, fed), targets, vocabulary)
    },
    release: () => session.release(),
  }
}
