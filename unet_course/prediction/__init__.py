"""From a trained network to a mask: slices (05, 06), whole volumes (11), and their clean-up."""
