"""The synthetic patients that every lesson runs on, made from an average of real heads.

`anatomy` builds the head, `deformation` gives each patient an individual shape, `tumour_growth`
adds a tumour, of BraTS' kinds in `tumour_kinds`; `mr_physics` and `contrasts` give the signal of each
tissue, and `render` computes the images. `lgg_patient` and `brats_case` make one patient of each data
set (`brain_volumes` scans the latter); `sample_data` writes and caches both samples in the real sets'
layouts. `varied_case` makes BraTS cases at 2 mm, quick enough for training on ever new ones.
"""
