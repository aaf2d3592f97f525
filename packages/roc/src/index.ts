// Public face of @ood/roc.
