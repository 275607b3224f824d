"""What is done before a lesson opens: settings for other work kept out, copies made, damage mended."""
