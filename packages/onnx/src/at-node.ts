// A rule that meets a node that does not fit its operator: what it trips over becomes one line that names the node.
import { OodError } from '@ood/core'
import { describe } from './attributes.ts'
import type { Node } from './types.ts'

/**
 * Runs a rule for a node. Files hold nodes without their inputs, with axes that are none and sizes beyond any array;
 * rules read what the standard promises, and a broken promise is the file's fault.
 *
 * @throws OodError `E_FILE` naming the node, with what happened as its cause; errors of the library pass as they are
 */
export function atNode<T>(node: Node, run: () => T): T {
  return guarded(run, () => `${describe(node)}: expected inputs and attributes that fit the operator, got others`)
}

/** The same for what works on all nodes together; `what` is the function that was called. */
export function atModel<T>(what: string, run: () => T): T {
  return guarded(run, () => `${what}: expected nodes whose inputs and attributes fit their operators, got others`)
}

function guarded<T>(run: () => T, line: () => string): T {
  try {
    return run()
  } catch (cause) {
    const broken = cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError
    if (!broken) throw cause
    throw new OodError('E_FILE', `${line()} (${cause.message})`, { cause })
  }
}
