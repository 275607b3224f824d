"""The synthetic patients that every lesson runs on, grown from a real average head.

`anatomy` (the head), `deformation` (everybody's differs), `tumour_growth`, then what a scanner
makes of it: `mr_physics` and `contrasts`, drawn by `render`. `lgg_patient` and `brats_case` put one
patient together in each data set's layout; `sample_data` makes and caches both samples.
"""
