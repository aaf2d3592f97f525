// Floors of packages, computed from what they import: 0 for a package that imports no other, else one above the highest.
import { circles } from './circles.ts'

/**
 * The floor of each package.
 *
 * @param uses - packages, each with the packages it imports
 * @throws Error for packages that import each other in a circle: no order of floors exists then
 */
export function floors(uses: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const [circle] = circles(uses)
  if (circle) throw new Error(`packages: expected imports in one direction, got a circle of ${circle.join(', ')}`)
  const found = new Map<string, number>()
  const floorOf = (name: string): number => {
    const known = found.get(name)
    if (known !== undefined) return known
    const floor = Math.max(-1, ...(uses.get(name) ?? []).map(floorOf)) + 1
    found.set(name, floor)
    return floor
  }
  for (const name of uses.keys()) floorOf(name)
  return found
}
