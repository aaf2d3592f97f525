// `ood methods`: every method with its paper, the models it needs and what it costs.
import { formatTable } from '@ood/run'

/** The table of all methods. */
export async function methodsText(): Promise<string> {
  const { methods } = await import('@ood/methods')
  const rows = methods.map(({ name, title, source, roles, cost, slow }) => [
    name,
    title,
    source,
    roles.join(', '),
    slow ? `${cost} (slow: only by name)` : cost,
  ])
  return formatTable([['name', 'what it is', 'source', 'models by role', 'cost of an image'], ...rows])
}
