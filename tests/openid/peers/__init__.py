"""Other libraries, as judges of the corpus."""
