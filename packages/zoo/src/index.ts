// Public face of @ood/zoo.
