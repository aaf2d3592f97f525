// Circles of a graph: its strongly connected components of more than one node (Tarjan 1972), without recursion.

/**
 * The circles of a directed graph, each as the sorted list of its nodes; a node that points to itself is one too.
 *
 * Cost: O(nodes + edges).
 */
export function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const open = new Set<string>()
  const path: string[] = []
  const found: string[][] = []
  for (const root of graph.keys()) {
    if (order.has(root)) continue
    const work: { node: string; next: number }[] = []
    const enter = (node: string): void => {
      order.set(node, order.size)
      low.set(node, order.get(node)!)
      open.add(node)
      path.push(node)
      work.push({ node, next: 0 })
    }
    enter(root)
    while (work.length > 0) {
      const top = work.at(-1)!
      const target = (graph.get(top.node) ?? [])[top.next++]
      if (target === undefined) {
        work.pop()
        const parent = work.at(-1)
        if (parent) low.set(parent.node, Math.min(low.get(parent.node)!, low.get(top.node)!))
        if (low.get(top.node) === order.get(top.node)) {
          const members = path.splice(path.indexOf(top.node))
          for (const member of members) open.delete(member)
          if (members.length > 1 || graph.get(top.node)?.includes(top.node)) found.push(members.sort())
        }
      } else if (!order.has(target)) enter(target)
      else if (open.has(target)) low.set(top.node, Math.min(low.get(top.node)!, order.get(target)!))
    }
  }
  return found
}
