// Interrupts a program at its k-th change of the disk: in half of a write, before a rename, before a flush.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const patched = [
  'writeFileSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'rmSync',
  'mkdirSync',
  'linkSync',
  'openSync',
] as const

/**
 * Replaces the functions that change the disk: calls 1 .. k-1 work, call k does half its work and then `crash()`, and
 * should `crash` return by throwing, all later calls do nothing but throw too, as if the process were gone.
 *
 * @returns the number of calls so far, and the way back
 */
export function crashAt(k: number, crash: () => never): { calls: () => number; restore: () => void } {
  let calls = 0
  const originals = patched.map((name) => [name, fs[name]] as const)
  for (const [name, original] of originals) {
    const call = (...args: unknown[]): unknown => {
      calls += 1
      if (calls > k) crash()
      if (calls === k) {
        if (name === 'writeFileSync') fs.appendFileSync(args[0] as string, half(args[1]))
        if (name === 'writeSync') Reflect.apply(original, fs, [args[0], half(args[1])])
        crash()
      }
      return Reflect.apply(original, fs, args)
    }
    Object.assign(fs, { [name]: call })
  }
  syncBuiltinESMExports()
  return {
    calls: () => calls,
    restore() {
      for (const [name, original] of originals) Object.assign(fs, { [name]: original })
      syncBuiltinESMExports()
    },
  }
}

function half(data: unknown): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : (data as Uint8Array)
  return bytes.subarray(0, bytes.length >> 1)
}
