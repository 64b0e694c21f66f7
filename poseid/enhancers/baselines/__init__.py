"""Baselines: what an enhancer has to beat. Each is a model with the enhancers' call that fits itself on people."""
