"""Drawings of single lessons: a picture teaches there, and the code that draws it does not.

`lesson_NN` holds the drawings of lesson NN. The lesson keeps the lines that say what is drawn; a
function here takes arrays and returns a figure for `plotting.show`.
"""
