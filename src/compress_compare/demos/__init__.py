"""Projects made of real operations on real data that every installation can get without a download."""
