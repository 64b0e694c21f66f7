"""Is a feature folder what its owner thinks it is? Looks before training; uses features and verification alone."""
