"""`unet-course data check`: read every file of a folder and report each problem with its cure."""
