"""What is wrong with bars, how complete they are, repairs, and how two archives differ."""
