"""Measures of how good compositions are; for any domain."""
