"""Evaluation: overlap metrics, surface distances, lesions, calibration, confidence intervals.

Lessons 01, 03 and 06: `metrics`, `calibration`, `confidence` and the tables of longer runs in
`published_tables`. Lesson 11: `surfaces` (HD95, surface Dice) and `lesions`. `mask_checks` holds
the input checks that the metrics share.
"""
