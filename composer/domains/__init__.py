"""What can be composed: one package a domain."""
