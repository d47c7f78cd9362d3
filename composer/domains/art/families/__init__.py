"""The program's own families of pictures: tiles with shared states, drawn from a seed."""
