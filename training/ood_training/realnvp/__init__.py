"""RealNVP and Glow in the layout of Kirichenko, Izmailov & Wilson 2020 (arXiv 2006.08545), built from its description."""
