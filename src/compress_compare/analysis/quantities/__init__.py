"""Numbers with units, as people write them and read them."""
