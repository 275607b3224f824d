"""Drawings of single lessons: a picture teaches there, and the code that draws it does not.

`lesson_NN` holds the drawings of lesson NN, `street_scene` the street of lesson 01, `surface_view` the
shaded surfaces of lessons 00 and 11. The lesson keeps the lines that say what is drawn; a
function here takes arrays and returns a figure for `plotting.show`.
"""
