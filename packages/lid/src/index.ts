// Public face of @ood/lid.
