"""Checks of a feature folder before training."""
