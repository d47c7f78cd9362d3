"""Pictures: tiles on a canvas."""
