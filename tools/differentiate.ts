// Writes the forward- and reverse-mode derivatives of ONNX files, one JSON job a line of standard input.
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { inspect, jvp, type Model, readModel, vjp, writeModel } from '@ood/onnx'

/** `source` is differentiated; `folder` gets jvp.onnx and vjp.onnx. */
interface Job {
  source: string
  folder: string
  wrt: string[]
  of: string[]
}

/** One derivative: its size and the time it took, or why there is none. */
async function derive(make: () => Model, file: string): Promise<Record<string, unknown>> {
  const start = performance.now()
  try {
    const made = make()
    await writeFile(file, writeModel(made))
    return { nodes: made.graph.nodes.length, ms: Math.round(performance.now() - start) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

async function answer({ source, folder, wrt, of }: Job): Promise<Record<string, unknown>> {
  const model = readModel(await readFile(source))
  return {
    nodes: model.graph.nodes.length,
    operators: inspect(model).operators,
    jvp: await derive(() => jvp(model, { wrt, of }), `${folder}/jvp.onnx`),
    vjp: await derive(() => vjp(model, { wrt, of }), `${folder}/vjp.onnx`),
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line) as Job
  const reply = await answer(job).catch((error: Error) => ({ error: error.message }))
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
