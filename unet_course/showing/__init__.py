"""Pictures: figures with alt text, explorers that move, and the drawing code of single lessons.

`plotting` for slices (all lessons), `volume_plotting` for volumes (00, 07 to 11), `tables`, `widgets`
for browsing, `explorers` to change something and see what follows; `lesson_figures` for drawings that
teach by their picture and not by their code.
"""
