// Public face of @ood/datasets.
