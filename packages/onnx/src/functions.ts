// Local functions of a model: who calls whom, and models whose functions call themselves or grow without bound.
import { mismatch } from '@ood/core'
import type { LocalFunction, Model, Node } from './types.ts'

/** Nodes of a model with every function call replaced by the function's nodes: more is no model anyone runs. */
const LARGEST_EXPANSION = 1_000_000

/** How a call names a function. */
export function functionKey(of: { domain: string; overload?: string }, name: string): string {
  return `${of.domain}\0${name}\0${of.overload ?? ''}`
}

/** A model's functions by their key. */
export function functionTable(model: Model): Map<string, LocalFunction> {
  return new Map(model.functions.map((f) => [functionKey(f, f.name), f]))
}

/** Refuses two functions of one name, functions that call themselves, and expansions of more than a million nodes. */
export function checkFunctions(model: Model): void {
  const table = functionTable(model)
  if (table.size !== model.functions.length)
    throw mismatch('E_FILE', 'functions', `${model.functions.length} names`, `${table.size} different ones`)
  if (table.size === 0) return
  const sizes = new Map<LocalFunction, number | 'open'>()
  const expand = (nodes: readonly Node[]): number => {
    let total = 0
    for (const node of nodes) {
      const called = table.get(functionKey(node, node.opType))
      total += called ? sizeOf(called) : 1
      for (const attribute of Object.values(node.attributes))
        if (attribute.kind === 'graph') total += expand(attribute.value.nodes)
    }
    return total
  }
  const sizeOf = (f: LocalFunction): number => {
    const known = sizes.get(f)
    if (known === 'open')
      throw mismatch('E_FILE', `function ${f.domain}.${f.name}`, 'no calls of itself', 'a recursion')
    if (known !== undefined) return known
    if (depth++ > DEEPEST_CALL)
      throw mismatch('E_FILE', 'functions', `at most ${DEEPEST_CALL} calls within each other`, `more at ${f.name}`)
    sizes.set(f, 'open')
    const size = expand(f.nodes)
    sizes.set(f, size)
    depth--
    return size
  }
  let depth = 0
  for (const f of model.functions) sizeOf(f)
  const total = expand(model.graph.nodes)
  if (!(total <= LARGEST_EXPANSION))
    throw mismatch('E_FILE', 'functions', `at most ${LARGEST_EXPANSION} nodes when expanded`, total)
}

/** Calls within calls that are followed. */
const DEEPEST_CALL = 200
