// Public face of @ood/runtime.
