"""`unet-course export LESSON --to slides`."""
