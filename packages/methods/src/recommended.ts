// The detector to deploy: what each model says of an image, and what the pixels say, as one score.
import { fisherOf, gaussianOf, type Method, subspaceMixtureOf, wrongField } from '@ood/detect'
import type { Models } from './open-model.ts'
import { groupsOf, modelsOf, over, type Tier, tiers } from './statistics/available.ts'
import { hasPixels, pixelsOf } from './statistics/pixels.ts'

/**
 * Fisher's sum (`fisherOf`) over one Gaussian for the statistics of each model (`groupsOf`) and one density of the pixels
 * (`subspaceMixtureOf`). Which statistics, and this rule instead of one Gaussian over all of them, was chosen on
 * validation sets only (docs/tuning.md).
 *
 * @param tier - how much it may cost
 * @example
 * const method = recommendedMethod({ flow, autoregressive, autoregressiveBackground, diffusion })
 */
export function recommendedMethod(models: Models, tier: Tier = 'full'): Method {
  const used = modelsOf(models, tier)
  const parts: [string, Method][] = groupsOf(used, tier).map(({ name, statistics }) => [
    name,
    gaussianOf(statistics) as Method,
  ])
  if (hasPixels(used)) parts.push(['pixels', subspaceMixtureOf({ image: pixelsOf(used) }, 'image.pixels') as Method])
  const method = fisherOf(Object.fromEntries(parts), { name: 'Recommended', source: 'this library' }) as Method
  return over(used, { ...method, settings: { tier, parts: parts.map(([name]) => name) } })
}

/** The method of stored settings. @throws OodError `E_FILE` naming the setting that is wrong */
export function storedRecommended({ tier, parts }: Readonly<Record<string, unknown>>, models: Models): Method {
  if (!tiers.includes(tier as Tier)) throw wrongField('method.settings.tier', tiers.join(', '), tier)
  const method = recommendedMethod(models, tier as Tier)
  const { parts: own } = method.settings
  if (String(parts) !== String(own)) throw wrongField('method.settings.parts', String(own), parts)
  return method
}
