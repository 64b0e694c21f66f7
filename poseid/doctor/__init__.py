"""Looking at a feature folder before training: is it what its owner thinks it is? Needs features and verification."""
