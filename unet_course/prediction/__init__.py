"""From a trained network to a mask: slices (lessons 05, 06), volumes (11), and post-processing."""
