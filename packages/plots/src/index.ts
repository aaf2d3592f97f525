// Public face of @ood/plots.
