// Model-free dimensions of the training sets, recorded because they need all 60,000 images and minutes of work.

/**
 * Mean pointwise local PCA dimension (alphaFO = 0.001, k = 1000 neighbours) of 4096 training images, the target of the
 * 'lpca' scale rule: 222.48 and 251.62 in Kamkari et al. `npm run lpca-target` gives 217.6 ± 1.4 and 249.6 ± 1.0 on
 * another 4096 (docs/results/lid.md).
 */
export const lpcaTarget: Record<'fashion-mnist' | 'mnist', number> = { 'fashion-mnist': 222.48, mnist: 251.62 }
