"""From files to arrays: LGG slices (lessons 02 to 06) and BraTS volumes (lessons 07 to 11).

How each data set lies on disk stands in `layouts`. `lgg`, `tiff` and `slices` read the 2-D set;
`brats_folders`, `brats`, `nifti`, `normalise` and `prepared_cases` the 3-D one, `own_folder` what lies
in no public layout. `splits` deals patients into training, validation and test.
"""
