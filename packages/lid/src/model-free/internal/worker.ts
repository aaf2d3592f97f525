// The worker side of `threads.ts`: does one job a message.
import { parentPort } from 'node:worker_threads'
import { type Job, perform } from './jobs.ts'
import { ruleOf } from './registry.ts'
import type { JobReply } from './threads.ts'

parentPort!.on('message', (job: Job) => {
  let reply: JobReply = {}
  try {
    perform(job, job.kind === 'estimate' ? ruleOf(job.spec) : undefined)
  } catch (cause) {
    const code =
      cause instanceof Error && cause.name === 'OodError' ? (cause as Error & { code: string }).code : undefined
    const message = cause instanceof Error ? cause.message : String(cause)
    reply = { error: { message, code } }
  }
  parentPort!.postMessage(reply)
})
