"""Looking at a feature folder before training: is it what its owner thinks it is? Below verification, above nothing."""
