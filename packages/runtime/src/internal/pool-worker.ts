// The worker side of a pool: imports the task module and calls its exports as messages ask.
import { parentPort, workerData } from 'node:worker_threads'
import { mismatch } from '@ood/core'
import { type HandOver, isHandOver } from '../hand-over.ts'
import type { Call, Reply, Request } from './pool-protocol.ts'

const { module, setup } = workerData as { module: string; setup: unknown }

/** Imported and set up once; a failure is reported by every task this worker is given. */
const ready: Promise<Record<string, unknown>> = import(module).then(async (tasks: Record<string, unknown>) => {
  const more: unknown = typeof tasks.setup === 'function' ? await tasks.setup(setup) : undefined
  return typeof more === 'object' ? { ...tasks, ...more } : tasks
})
ready.catch(() => {})

/** Calls that have not been answered yet. */
const running = new Set<Promise<void>>()

parentPort!.on('message', (request: Request) => {
  if ('close' in request) {
    void end()
    return
  }
  const call = reply(request).finally(() => running.delete(call))
  running.add(call)
})

/** Ends this thread by itself, outside of any native call and with nothing native left open. */
async function end(): Promise<void> {
  await Promise.all(running)
  try {
    const { release } = await ready
    if (typeof release === 'function') await release()
  } catch {
    // Never set up: there is nothing to release.
  }
  process.exit()
}

async function reply(request: Call): Promise<void> {
  const reply = await answer(request)
  try {
    parentPort!.postMessage(reply.message, reply.transfer)
  } catch (cause) {
    const message = `${request.task} result: expected a cloneable value, got ${text(cause)}`
    parentPort!.postMessage({ id: request.id, error: { code: 'E_RUNTIME', message } } satisfies Reply)
  }
}

async function answer({ id, task, args }: Call): Promise<{ message: Reply; transfer: HandOver['transfer'] }> {
  try {
    const tasks = await ready
    const run = tasks[task]
    if (typeof run !== 'function') throw mismatch('E_ARGUMENT', `${module} export ${task}`, 'a function', run)
    const result: unknown = await run(...args)
    return isHandOver(result)
      ? { message: { id, value: result.value }, transfer: result.transfer }
      : { message: { id, value: result }, transfer: [] }
  } catch (cause) {
    // By name, not by class: the task module may carry another copy of @ood/core.
    const code =
      cause instanceof Error && cause.name === 'OodError' ? (cause as Error & { code: string }).code : undefined
    const error = { message: text(cause), code }
    return { message: { id, error }, transfer: [] }
  }
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
