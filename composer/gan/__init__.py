"""Adversarial training of the fragment generator."""
