"""Networks and their losses: what a lesson builds and what it is trained with.

Lesson 03: `losses` (all of them; the formulas of the overlap losses are in `overlap_losses`).
Lessons 04 and 06: `blocks`, `unet` (U-Net and U-Net++), `deep_supervision`, and `tutorials`, the
networks that four public tutorials print. Lessons 08 to 11: the same in 3-D, and `fast_conv3d` for
processors.
"""
