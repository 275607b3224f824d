"""`unet-course data lgg|brats`: fetch a real data set, verify it and put it into place."""
