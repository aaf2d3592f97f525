"""Image data sets from local files, and the preprocessing whose log-determinants are known."""
