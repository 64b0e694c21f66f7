"""Opponents: what an enhancer has to beat. Each is a module with the enhancers' call, and a function that fits it."""
