"""How good compositions are."""
