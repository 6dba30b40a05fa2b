"""How many threads compute: as many as the machine has room for, beside its other programs."""
