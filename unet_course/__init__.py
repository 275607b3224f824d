"""Helpers that the lessons of the U-Net course share.

Importing this package imports neither TensorFlow nor Matplotlib; each module imports what it
needs, so that a lesson about masks starts in a second.
"""

__version__ = "0.1.0"
