// Which ONNX versions this package understands, and one clear line for the others.
import { mismatch } from '@ood/core'

/** Oldest and newest file format (IR version) that is read: 3 is of 2017, the first with operator-set imports. */
const IR_VERSIONS: readonly [number, number] = [3, 14]

/** Newest standard operator set whose operators the package's passes know. */
export const NEWEST_OPSET = 28

/** Oldest standard operator set that passes rewrite: broadcasting was an attribute before. */
export const OLDEST_OPSET = 7

/** Refuses file formats from before or after those this package knows. */
export function checkIrVersion(version: bigint): number {
  const [oldest, newest] = IR_VERSIONS
  if (version < BigInt(oldest) || version > BigInt(newest))
    throw mismatch('E_FILE', 'ONNX file IR version', `${oldest} to ${newest}`, version)
  return Number(version)
}

/**
 * The operator sets of a model or function, by domain ('' is the standard one).
 *
 * @throws OodError `E_FILE` for no version at all, a version that is none, or two versions of one domain
 */
export function readOpsets(
  what: string,
  imports: readonly { readonly domain: string; readonly version: bigint }[],
): Record<string, number> {
  const versions = new Map<string, number>()
  for (const { domain, version } of imports) {
    const name = standardDomain(domain)
    if (version < 1n || version > 1_000_000n)
      throw mismatch('E_FILE', `${what} operator set ${name || 'ai.onnx'}`, 'a version from 1', version)
    const known = versions.get(name)
    if (known !== undefined && known !== Number(version))
      throw mismatch('E_FILE', `${what} operator set ${name || 'ai.onnx'}`, 'one version', `${known} and ${version}`)
    versions.set(name, Number(version))
  }
  return Object.fromEntries(versions)
}

/** 'ai.onnx' and '' are the same domain. */
export function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

/**
 * The standard operator set, refused where a pass does not know it. A model of other domains alone has none of its nodes:
 * the newest does for what a pass may write.
 */
export function checkPassOpset(what: string, opsets: Readonly<Record<string, number>>): number {
  const opset = opsets['']
  if (opset === undefined) return NEWEST_OPSET
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET)
    throw mismatch('E_UNSUPPORTED', `${what} operator set`, `${OLDEST_OPSET} to ${NEWEST_OPSET}`, opset)
  return opset
}
