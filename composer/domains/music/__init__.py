"""Music: bars of one to four voices, read from and written to MIDI."""
