// Public face of @ood/linalg.
