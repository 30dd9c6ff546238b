"""Principal filter analysis: response statistics, spectra, and how many units they ask for."""
