// Adds parts to an object, keeping its accessors live (a spread would freeze what they give today).

/** `base` with `parts` beside it. */
export function extend<Base extends object, Parts extends object>(base: Base, parts: Parts): Base & Parts {
  return Object.defineProperties(parts, Object.getOwnPropertyDescriptors(base)) as Base & Parts
}
