// Runs the command inside this process and gives what it printed.
import { vi } from 'vitest'
import { ood } from '../src/command/program.ts'

/** What the command printed, the message of its error beside standard error, and its exit code. */
export async function inside(
  ...args: string[]
): Promise<{ code: typeof process.exitCode; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text
      return true
    }),
  )
  try {
    await ood(args, new AbortController().signal)
  } catch (error) {
    written.stderr += (error as Error).message
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  const code = process.exitCode
  process.exitCode = undefined
  return { code, ...written }
}
