"""The synthetic patients that every lesson runs on, made from an average of real heads.

`anatomy` builds the head, `deformation` gives each patient an individual shape, `tumour_growth`
adds a tumour; `mr_physics` and `contrasts` give the signal of each tissue, and `render` computes
the images. `lgg_patient` and `brats_case` make one patient of each data set; `sample_data` writes
and caches both samples in the real sets' layouts. `varied_case` makes harder BraTS cases, for the
benchmarks' training.
"""
