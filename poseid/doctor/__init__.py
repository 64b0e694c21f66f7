"""Looking at a feature folder before training: is it what its owner thinks it is? On features and verification alone."""
