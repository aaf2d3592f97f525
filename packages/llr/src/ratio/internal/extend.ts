// Adds parts to an object, keeping its accessors live (a spread would freeze what they give today).

/** `base` with `parts` beside it; a part takes the place of a member of the same name. */
export function extend<Base extends object, Parts extends object>(base: Base, parts: Parts): Base & Parts {
  const members = { ...Object.getOwnPropertyDescriptors(base), ...Object.getOwnPropertyDescriptors(parts) }
  return Object.defineProperties({}, members) as Base & Parts
}
